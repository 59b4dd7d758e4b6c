"""Commands that work on the store, beside a running broker."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from broker.cli.outcome import CommandError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from broker.settings import Settings
    from broker.store.base import Store

__all__ = ["on_store"]

Result = TypeVar("Result")


def on_store(settings: Settings, work: Callable[[Store], Awaitable[Result]]) -> Result:
    """Do something with the store that the settings name.

    Raises:
        CommandError: it does not answer.
    """
    from broker.store import StoreError, open_store

    async def all_of_it() -> Result:
        store = open_store(settings.store, time.time)
        try:
            return await work(store)
        finally:
            await store.close()

    try:
        return asyncio.run(all_of_it())
    except StoreError as error:
        raise CommandError(f"store: {error}") from None
