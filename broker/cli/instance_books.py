"""What commands read and write of instances: the books in the store, beside a running broker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from broker.cli.outcome import CommandError
from broker.cli.records import on_store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from broker.gate.host_keys import PinnedKeys
    from broker.gate.instances import Instances
    from broker.gate.reports import Reports
    from broker.settings import Settings
    from broker.store.base import Store

__all__ = ["Books", "on_books"]

Result = TypeVar("Result")


class Books(NamedTuple):
    """What is known of instances."""

    instances: Instances
    reports: Reports
    host_keys: PinnedKeys


def on_books(settings: Settings, work: Callable[[Books], Awaitable[Result]]) -> Result:
    """Do something with the books in the store that the settings name.

    Raises:
        CommandError: it cannot be done.
    """
    from broker.gate.host_keys import PinnedKeys
    from broker.gate.instance import InstanceError
    from broker.gate.instances import Instances
    from broker.gate.reports import Reports

    async def with_books(store: Store) -> Result:
        reports, host_keys = Reports(store, time.time), PinnedKeys(store, time.time)
        return await work(Books(Instances(store, time.time), reports, host_keys))

    try:
        return on_store(settings, with_books)
    except InstanceError as error:
        raise CommandError(str(error)) from None
