"""The store, by its address."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from broker.store.base import Kind, Store, StoreError
from broker.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Kind", "Store", "StoreError", "is_there", "open_store"]

REDIS = ("redis://", "rediss://", "unix://")


def open_store(address: str, clock: Callable[[], float]) -> Store:
    """Open the store that the setting `store` names.

    Args:
        address: `sqlite:///PATH` (`~` is the home folder), `sqlite://` for memory, or an address of Redis.
        clock: Unix seconds.

    Raises:
        StoreError: it cannot be opened, or the address is not one.
    """
    if address.startswith(REDIS):
        try:
            from broker.store.redis import RedisStore  # noqa: PLC0415 - an optional extra
        except ImportError:
            raise StoreError("store: the Python package redis is missing: install fanlight[redis]") from None
        return RedisStore(address, clock)
    if address == "sqlite://":
        return SqliteStore(None, clock)
    if not address.startswith("sqlite:///"):
        raise StoreError("store: should be sqlite:///PATH or redis://HOST:PORT/0")
    return SqliteStore(_path(address), clock)


def is_there(address: str) -> bool:
    """Whether a store was made already, as far as that can be told without opening it."""
    return not address.startswith("sqlite:///") or _path(address).exists()


def _path(address: str) -> Path:
    path = address.removeprefix("sqlite://")
    return Path(path.removeprefix("/") if path.startswith("/~") else path).expanduser()
