"""Connectors: they dial out of private networks, and streams to instances there pass through them.

A connector is the SSH server although it dialled (see docs/decisions/transit.md). It is known by its host key, which the
broker's order lists; a few fixed words, said on exec channels, tell how it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncssh
import structlog

from proxyd.carrying import Held, Shared, without_fillers
from proxyd.transit.carrier import Carrier
from proxyd.transit.gate import GateDoor
from proxyd.transport.jump import Leaving
from proxyd.wire.instruction import encode
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from proxyd.carrying import Turns

__all__ = ["Connector", "Connectors", "Order"]

USER = "fanlight"
LOGIN_TIMEOUT = 10.0
KEEPALIVE, KEEPALIVE_COUNT = 10.0, 3
"""Seconds between signs of life that are asked for, and how many a connector may owe."""
PROBE_EVERY, PROBE_TIMEOUT = 5.0, 4.0
"""Seconds between two probes of a connector, and until one without an answer sends new streams elsewhere."""
WORD_TIMEOUT = 18.0
STREAM_TIMEOUT = 12.0
MAX_ANSWER, MAX_HELLO = 65536, 16384
"""Bytes of what a connector answers to a word, and of how it says that it is: brokers ask for that of many at once."""
CIPHERS = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
"""The fastest first, on processors that know AES: what an instance speaks is encrypted a second time on this way."""
MAX_ENDED = 1000
"""Connections of which it is remembered how they ended."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Order:
    """What a broker says of a connector that it lets in.

    Attributes:
        relay: names the connection.
        network: whose connector it is.
        accepted: fingerprints of host keys that are good, with their generations.
        key: the private SSH key to sign in with.
    """

    relay: str
    network: str
    accepted: Mapping[str, int]
    key: asyncssh.SSHKey

    @classmethod
    def parse(cls, text: str) -> Order:
        """Read the instruction's JSON.

        Raises:
            StatusError: it cannot be understood.
        """
        try:
            fields = json.loads(text)
            key = asyncssh.import_private_key(fields["key"])
            return cls(str(fields["relay"]), str(fields["network"]), dict(fields["accepted"]), key)
        except (ValueError, KeyError, TypeError, RecursionError, asyncssh.KeyImportError):
            raise StatusError(Status.CLIENT_BAD_REQUEST, "The order cannot be understood.") from None


class Connector(Carrier):
    """A connector that is connected.

    Attributes:
        order: of the broker that let it in.
        connection: to it.
        generation: of its key.
        hello: what it says of itself, for brokers to judge.
        round_trip: milliseconds; None before it was measured.
        well: whether it answered the last probe.
    """

    def __init__(
        self, order: Order, connection: asyncssh.SSHClientConnection, generation: int, turns: Turns
    ) -> None:
        super().__init__(Leaving(connection, f"the connector of {order.network}", STREAM_TIMEOUT), turns)
        self.order = order
        self.connection = connection
        self.generation = generation
        self.hello: dict[str, Any] = {}
        self.round_trip: float | None = None
        self.clock_offset = 0.0
        self.well = True

    @property
    def host(self) -> str:
        """What its host calls itself, fit to be shown."""
        name = str(self.hello.get("host", ""))[:64]
        return "".join(character for character in name if character.isprintable()) or "an unknown host"

    @property
    def rank(self) -> tuple[bool, bool, int, float]:
        """The smaller the better: those that answer, those that are not on standby, those with fewer sessions."""
        return (
            not self.well,
            bool(self.hello.get("standby")),
            self.sessions,
            self.round_trip or 0.0,
        )

    async def greet(self) -> None:
        """Hear how it is.

        Raises:
            asyncssh.Error, OSError, ValueError: it does not answer, or not so.
        """
        began = time.monotonic()
        hello = await self.say("hello", PROBE_TIMEOUT, MAX_HELLO)
        if "error" in hello or not isinstance(hello.get("machine"), str):
            raise ValueError("no greeting")
        self.round_trip = round((time.monotonic() - began) * 500, 1)  # a channel opens, then it is asked
        self.clock_offset = _number(hello.get("clock")) - time.time()
        self.hello = hello
        self.transport = Leaving(self.connection, f"the connector on {self.host}", STREAM_TIMEOUT)
        self.well = True

    async def say(self, word: str, seconds: float, most: int = MAX_ANSWER) -> dict[str, Any]:
        """What it answers to a word, in so many seconds and with at most so many bytes.

        Raises:
            asyncssh.Error, OSError, ValueError: it does not answer, or not so.
        """
        async with asyncio.timeout(seconds):
            process = await self.connection.create_process(word, encoding=None)
            try:
                answer = b""
                while len(answer) <= most and (data := await process.stdout.read(most)):
                    answer += data
            finally:
                process.close()
        if len(answer) > most:
            raise ValueError("the answer is too long")
        fields = json.loads(answer)
        if not isinstance(fields, dict):
            raise ValueError("the answer is no object")  # noqa: TRY004 - a value of the peer's
        return fields

    def told(self) -> dict[str, Any]:
        """What a broker is told of it."""
        return {
            "relay": self.order.relay,
            "generation": self.generation,
            "hello": self.hello,
            "round_trip": self.round_trip,
            "clock_offset": self.clock_offset,
            "streams": self.sessions,
            "well": self.well,
        }


class Connectors:
    """The connectors that are connected here."""

    def __init__(self, door: GateDoor | None = None) -> None:
        """Begin without any.

        Args:
            door: leads instances of their networks to the gate; None leads nobody.
        """
        self._door = door or GateDoor("")
        self._living: dict[str, Connector] = {}
        self._ended: OrderedDict[str, dict[str, Any]] = OrderedDict()

    # -- their connections -------------------------------------------------------------------------------------------

    async def serve(self, connection: socket.socket, offer: str) -> None:
        """Serve one connector until it is gone.

        Args:
            connection: whose far end is the connector, as soon as `ready` was said; non-blocking, and ours to close.
            offer: the JSON of the instruction `connector`.

        Raises:
            StatusError: it cannot be understood.
        """
        order = Order.parse(offer)
        await asyncio.get_running_loop().sock_sendall(connection, encode("ready", order.relay))
        caller = _Caller(order.accepted)
        link = Shared(Held(connection.dup()))
        try:
            async with await self._signed_in(link, order, caller) as signed_in:
                connector = Connector(order, signed_in, caller.generation, link.turns)
                await connector.greet()
                refusal = await self._doubled(connector)
                if refusal:
                    self._note(order.relay, "duplicate", refusal)
                    signed_in.disconnect(asyncssh.DISC_TOO_MANY_CONNECTIONS, refusal)
                    return
                await self._keep(connector, caller)
        except asyncssh.HostKeyNotVerifiable:
            reason = f"the key {caller.shown} is not one of the network {order.network}"
            self._note(order.relay, "refused", reason, key=caller.shown)
        except asyncssh.ConnectionLost:
            self._note(order.relay, "left", "it left before it was known")
        except (asyncssh.Error, OSError, ValueError, RecursionError) as error:
            self._note(order.relay, "failed", f"the handshake failed: {type(error).__name__}")

    async def _signed_in(self, link: Shared, order: Order, caller: _Caller) -> asyncssh.SSHClientConnection:
        return await asyncssh.connect(
            order.network,
            tunnel=link,
            config=None,
            client_factory=lambda: caller,
            username=USER,
            client_keys=[order.key],
            known_hosts=([], [], []),
            agent_path=None,
            password_auth=False,
            kbdint_auth=False,
            gss_host=None,
            compression_algs=["none"],
            encryption_algs=CIPHERS,
            connect_timeout=LOGIN_TIMEOUT,
            login_timeout=LOGIN_TIMEOUT,
            keepalive_interval=KEEPALIVE,
            keepalive_count_max=KEEPALIVE_COUNT,
        )

    async def _doubled(self, connector: Connector) -> str:
        """Why a connector may not run beside those that are here; one that came back takes its own place."""
        while (other := self._beside(connector)) is not None:
            if other.hello.get("process") != connector.hello.get("process"):
                with contextlib.suppress(asyncssh.Error, OSError, ValueError, RecursionError):
                    await other.greet()
                    return f"another connector of {connector.order.network} runs on {connector.host}"
            self._over(other, "it came back by another way")
            other.connection.abort()
        return ""

    def _beside(self, connector: Connector) -> Connector | None:
        """One that is here and that a new one replaces, or may not run beside: neither of the two was forced to."""
        mine = connector.hello
        for other in self.living(connector.order.network):
            theirs = other.hello
            forced = mine.get("forced") is True or theirs.get("forced") is True
            itself = theirs.get("process") == mine.get("process")
            if theirs["machine"] == mine["machine"] and (itself or not forced):
                return other
        return None

    async def _keep(self, connector: Connector, caller: _Caller) -> None:
        order = connector.order
        bound = log.bind(network=order.network, connector=connector.host, relay=order.relay)
        self._living[order.relay] = connector
        bound.info("connector is there", generation=connector.generation)
        probing = asyncio.create_task(_probe(connector), name=f"probe {order.relay}")
        try:
            await self._door.offer(connector.connection, connector.hello.get("gate"), order.network)
            await connector.connection.wait_closed()
        finally:
            probing.cancel()
            self._living.pop(order.relay, None)
            self._over(connector, caller.ended)
            self._note(order.relay, "lost", caller.ended)
            bound.warning("connector is gone", reason=caller.ended, sessions=connector.sessions)

    def _over(self, connector: Connector, reason: str) -> None:
        if connector.ended is None:
            sentence = f"The connector on {connector.host} of the network {connector.order.network} was lost."
            connector.ended = StatusError(Status.UPSTREAM_UNAVAILABLE, sentence, Hop.GATEWAY)
            log.debug("connector over", relay=connector.order.relay, reason=reason)

    def _note(self, relay: str, kind: str, reason: str, **more: str) -> None:
        self._ended[relay] = {"relay": relay, "ended": kind, "reason": reason, **more}
        while len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)
        if kind != "lost":
            log.warning("connector refused", relay=relay, kind=kind, reason=reason)

    # -- who needs them ----------------------------------------------------------------------------------------------

    def carrier(self, network: str) -> Carrier:
        """The best connector of a network.

        Raises:
            StatusError: none is connected.
        """
        living = self.living(network)
        if not living:
            reason = f"No connector of the network {network} is connected."
            raise StatusError(Status.UPSTREAM_UNAVAILABLE, reason, Hop.GATEWAY)
        return min(living, key=lambda connector: connector.rank)

    def lost(self, carrier: Carrier) -> bool:
        """Whether it was a connector that is gone, though nobody may have said so yet: another one may do."""
        if not isinstance(carrier, Connector) or not carrier.connection.is_closed():
            return False
        self._over(carrier, "a stream found it gone")
        return True

    def living(self, network: str) -> list[Connector]:
        """The connectors of a network that are here."""
        rows = self._living.values()
        return [row for row in rows if row.order.network == network and row.ended is None]

    async def answer(self, request: str) -> list[dict[str, Any]]:
        """What a broker asks about connectors.

        Args:
            request: a JSON object: `op` is `status` of those in `relays`, or `say` with `relay` and `word`. An answer with `error` is a refusal;
                where it is `silent`, too, the word was said, and what became of it is not known.
        """
        try:
            fields = json.loads(request)
            op = fields["op"]
            relay, word = str(fields.get("relay", "")), str(fields.get("word", ""))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return [{"error": "the request cannot be understood"}]
        if op == "status":
            named = fields.get("relays")
            return self._status([str(name) for name in named] if isinstance(named, list) else [])
        connector = self._living.get(relay)
        if op != "say" or connector is None:
            return [{"error": "it is not connected here"}]
        try:
            return [await connector.say(word, WORD_TIMEOUT)]
        except TimeoutError:
            return [{"error": "it did not answer in time", "silent": True}]
        except (asyncssh.Error, OSError, ValueError, RecursionError):
            return [{"error": "its answer cannot be understood", "silent": True}]

    def _status(self, relays: list[str]) -> list[dict[str, Any]]:
        living = [self._living[name].told() for name in relays if name in self._living]
        return living + [self._ended[name] for name in relays if name in self._ended]


class _Caller(asyncssh.SSHClient):
    """Our end of one connection: which host key is good, and why it ended."""

    def __init__(self, accepted: Mapping[str, int]) -> None:
        self._accepted = accepted
        self.generation = 0
        self.shown = ""
        self.ended = "it closed the connection"

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Begin; all of CIPHERS authenticate."""
        without_fillers(conn)

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Whether the connector has one of the network's keys."""
        del host, addr, port
        self.shown = key.get_fingerprint()
        self.generation = self._accepted.get(self.shown, 0)
        return self.generation > 0

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if isinstance(exc, asyncssh.ConnectionLost):
            self.ended = "it was silent, or the link broke"
        elif exc is not None:
            self.ended = f"the connection broke: {type(exc).__name__}"


async def _probe(connector: Connector) -> None:
    """Ask again and again how it is; one that keeps silent is not chosen while it does."""
    while True:
        await asyncio.sleep(PROBE_EVERY)
        try:
            await connector.greet()
        except (asyncssh.Error, OSError, ValueError, RecursionError):
            if connector.well:
                log.warning(
                    "connector does not answer", relay=connector.order.relay, connector=connector.host
                )
            connector.well = False


def _number(value: Any) -> float:
    """A connector's number, 0 where it is none that can be reckoned with."""
    try:
        number = float(value) if isinstance(value, int | float) else 0.0
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) else 0.0
