"""The embedded store: one SQLite file, or memory. One thread owns the connection, so a slow disk stops no tunnel."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from broker.store.base import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from broker.store.base import Kind

__all__ = ["SqliteStore"]

Result = TypeVar("Result")

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, expires REAL NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX IF NOT EXISTS record_expires ON record (expires);
"""
SWEEP_EVERY = 500
"""Writes after which expired records are deleted."""
BUSY_MS = 5000


class SqliteStore:
    """See `Store`."""

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        """Open or create the file.

        Args:
            path: where; None is memory, for tests.
            clock: Unix seconds.

        Raises:
            StoreError: the file cannot be opened.
        """
        self._clock = clock
        self._writes = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            self._connection = self._thread.submit(_open, path).result()
        except (OSError, sqlite3.Error) as error:
            self._thread.shutdown()
            raise StoreError(f"{path} cannot be opened: {error}") from None

    async def add(self, kind: Kind, key: str, value: bytes, expires: float) -> bool:
        """See `Store.add`."""

        def work() -> bool:
            self._execute(
                "DELETE FROM record WHERE kind=? AND key=? AND expires<=?", kind.value, key, self._clock()
            )
            sql = "INSERT OR IGNORE INTO record VALUES (?,?,?,?)"
            return self._execute(sql, kind.value, key, value, expires).rowcount == 1

        return await self._run(work, writes=True)

    async def put(self, kind: Kind, key: str, value: bytes, expires: float) -> None:
        """See `Store.put`."""
        sql = "INSERT OR REPLACE INTO record VALUES (?,?,?,?)"
        await self._run(lambda: self._execute(sql, kind.value, key, value, expires), writes=True)

    async def swap(self, kind: Kind, key: str, old: bytes, new: bytes, expires: float) -> bool:
        """See `Store.swap`."""
        sql = (
            "UPDATE record SET value=?, expires=?, rowid=(SELECT max(rowid)+1 FROM record) "
            "WHERE kind=? AND key=? AND value=? AND expires>?"
        )
        return await self._run(
            lambda: self._execute(sql, new, expires, kind.value, key, old, self._clock()).rowcount == 1,
            writes=True,
        )

    async def get(self, kind: Kind, key: str) -> bytes | None:
        """See `Store.get`."""
        sql = "SELECT value FROM record WHERE kind=? AND key=? AND expires>?"
        row = await self._run(lambda: self._execute(sql, kind.value, key, self._clock()).fetchone())
        return bytes(row[0]) if row else None

    async def extend(self, kind: Kind, key: str, expires: float) -> bool:
        """See `Store.extend`."""
        sql = "UPDATE record SET expires=? WHERE kind=? AND key=? AND expires>?"
        return await self._run(
            lambda: self._execute(sql, expires, kind.value, key, self._clock()).rowcount == 1, writes=True
        )

    async def delete(self, kind: Kind, key: str) -> bool:
        """See `Store.delete`."""
        sql = "DELETE FROM record WHERE kind=? AND key=? AND expires>?"
        return await self._run(
            lambda: self._execute(sql, kind.value, key, self._clock()).rowcount == 1, writes=True
        )

    async def count(self, kind: Kind, key: str, expires: float) -> int:
        """See `Store.count`."""

        def work() -> int:
            sql = "SELECT value FROM record WHERE kind=? AND key=? AND expires>?"
            row = self._execute(sql, kind.value, key, self._clock()).fetchone()
            total = int(row[0]) + 1 if row else 1
            self._execute(
                "INSERT OR REPLACE INTO record VALUES (?,?,?,?)",
                kind.value, key, str(total).encode(), expires,
            )  # fmt: skip
            return total

        return await self._run(work, writes=True)

    async def newest(self, kind: Kind, limit: int, group: str = "") -> dict[str, bytes]:
        """See `Store.newest`."""
        low, high = (
            (f"{group}:", f"{group};") if group else ("", "\U0010ffff")
        )  # the character after the colon
        sql = (
            "SELECT key, value FROM record WHERE kind=? AND key>=? AND key<? AND expires>? "
            "ORDER BY rowid DESC LIMIT ?"
        )
        rows = await self._run(
            lambda: self._execute(sql, kind.value, low, high, self._clock(), limit).fetchall()
        )
        return {key: bytes(value) for key, value in rows}

    async def close(self) -> None:
        """See `Store.close`."""
        await self._run(self._connection.close)
        self._thread.shutdown()

    # -- on the thread ---------------------------------------------------------------------------------------------

    async def _run(self, work: Callable[[], Result], *, writes: bool = False) -> Result:
        def transaction() -> Result:
            if not writes:
                return work()
            self._writes += 1
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                if self._writes % SWEEP_EVERY == 0:
                    self._execute("DELETE FROM record WHERE expires<=?", self._clock())
                return work()

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, transaction)
        except sqlite3.Error as error:
            raise StoreError(f"the store does not answer: {error}") from None

    def _execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        return self._connection.execute(sql, values)


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # ours alone from the start
    connection = sqlite3.connect(
        path or ":memory:", isolation_level=None, timeout=BUSY_MS / 1000, check_same_thread=True
    )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(SCHEMA)
    return connection
