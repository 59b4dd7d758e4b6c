"""Who an instance is: the gate's one point of authorisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from broker.bans import retry_after
from broker.errors import ApiError
from broker.gate.rates import neighbourhood

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.bans import Bans
    from broker.gate.instance import Instance
    from broker.gate.instances import Instances
    from broker.gate.rates import Rates

__all__ = ["Claim", "Entrance", "unauthorized"]


class Claim(NamedTuple):
    """Who a request says that it comes from.

    Attributes:
        identifier: the instance's.
        token: what it shows.
        address: from which it came; empty where unknown.
    """

    identifier: str
    token: str
    address: str


def unauthorized() -> ApiError:
    """What everybody hears who is not known, whatever the reason."""
    return ApiError(401, "Not authorized")


class Entrance:
    """Lets instances in, at their pace."""

    def __init__(
        self,
        instances: Instances,
        bans: Bans,
        by_instance: Rates,
        by_address: Rates,
        *,
        legacy: Callable[[], bool],
    ) -> None:
        """Set the rules.

        Args:
            instances: which there are.
            bans: counts tokens that are not good, by address.
            by_instance: how often one may ask.
            by_address: how often an address may ask: instances may share one.
            legacy: whether tokens that an older gate gave are good, now.
        """
        self._instances = instances
        self._bans = bans
        self._by_instance = by_instance
        self._by_address = by_address
        self._legacy = legacy

    def pace(self, address: str) -> None:
        """Count a request of an address that nobody has to be known for.

        Raises:
            ApiError: there were too many.
        """
        _hold(self._by_address.take(neighbourhood(address)))

    async def admit(self, claim: Claim) -> Instance:
        """The instance that a request comes from.

        Who has a good token comes in, at its own pace, from an address that is banned or asks too often, too: behind a
        transparent proxy all instances of a hypervisor share one, and one of them shall not keep the others out.

        Raises:
            ApiError: it is nobody's (401), or there were too many (429).
            StoreError: the store does not answer.
        """
        crowded = self._by_address.take(neighbourhood(claim.address))
        instance = await self._authentic(claim) if claim.identifier and claim.token else None
        if instance is not None:
            _hold(self._by_instance.take(instance.id))
            return instance
        _hold(crowded)
        if not claim.identifier or not claim.token:
            raise unauthorized()
        subject = f"address {claim.address}"
        _hold(await self._bans.remaining(subject))
        await self._bans.failed(subject, "GATE_TOKEN")
        raise unauthorized()

    async def admit_still(self, claim: Claim) -> Instance:
        """The instance that was let in, as it is described now: its token may have ended since.

        Raises:
            ApiError: it would not be let in any more (401).
            StoreError: the store does not answer.
        """
        instance = await self._authentic(claim)
        if instance is None:
            raise unauthorized()
        return instance

    async def _authentic(self, claim: Claim) -> Instance | None:
        return await self._instances.authentic(
            claim.identifier, claim.token, claim.address, legacy=self._legacy()
        )


def _hold(seconds: float) -> None:
    if seconds:
        raise ApiError(429, "Too many requests.", {"Retry-After": retry_after(seconds)})
