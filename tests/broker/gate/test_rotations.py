"""Who has a new key already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncssh

from broker.gate.rotations import Rotations
from broker.store.base import Kind

if TYPE_CHECKING:
    from broker.store import Store

OLD, NEW, LATER = (
    asyncssh.generate_private_key("ssh-ed25519", comment="alice").export_public_key().decode().strip()
    for _ in range(3)
)


def served(*keys: str) -> list[str]:
    return [f'restrict,from="10.0.0.0/8, 10.1.1.1" {key}' for key in keys]


async def test_the_first_time_is_remembered(store: Store, clock) -> None:
    rotations = Rotations(store, clock)
    await rotations.note_served("alice", served(OLD, NEW), "7")
    began = clock.now
    clock.now += 60
    await rotations.note_served("alice", served(OLD, NEW), "7")
    await rotations.note_served("alice", served(OLD, NEW), "8")
    assert (await rotations.find("alice", NEW)).served == {"7": began, "8": began + 60}
    assert (await rotations.find("bob", NEW)).served == {}


async def test_one_key_is_no_exchange_and_leaves_no_record(store: Store, clock) -> None:
    await Rotations(store, clock).note_served("alice", served(OLD), "7")
    await Rotations(store, clock).note_served("alice", [], "7")
    assert await store.get(Kind.ROTATION, "alice") is None


async def test_another_new_key_begins_anew(store: Store, clock) -> None:
    rotations = Rotations(store, clock)
    await rotations.note_served("alice", served(OLD, NEW), "7")
    assert (await rotations.find("alice", LATER)).served == {}
    await rotations.note_served("alice", served(OLD, LATER), "8")
    assert set((await rotations.find("alice", LATER)).served) == {"8"}
    assert (await rotations.find("alice", NEW)).served == {}


async def test_hosts_are_remembered_until_the_old_key_is_gone_there(store: Store, clock) -> None:
    rotations = Rotations(store, clock)
    await rotations.note_installed("alice", NEW, "alice@one", ["corp"])
    await rotations.note_installed("alice", NEW, "alice@two", [])
    await rotations.note_served("alice", served(OLD, NEW), "7")
    assert (await rotations.find("alice", NEW)).hosts == {"alice@one": ("corp",), "alice@two": ()}
    await rotations.note_removed("alice", NEW, "alice@one")
    assert set((await rotations.find("alice", NEW)).hosts) == {"alice@two"}
    await rotations.end("alice")
    assert await store.get(Kind.ROTATION, "alice") is None
