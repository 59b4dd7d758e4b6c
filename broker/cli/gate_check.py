"""What `fanlight check` says of the gate, and of an instance that it knows."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from broker.cli.configuration import reachable
from broker.cli.outcome import CommandError

if TYPE_CHECKING:
    from broker.gate.host_keys import HostKeys
    from broker.gate.reports import Report
    from broker.settings import Settings

__all__ = ["gate"]


async def gate(settings: Settings, address: str | None) -> str | None:
    """Whether the gate's rules can be read and it listens, and whether sessions would begin on what is known at an address.

    Args:
        settings: of the broker.
        address: HOST:PORT, or None where no instance is looked at.

    Returns:
        What was found; None where the gate is off and knows nothing there.

    Raises:
        CommandError: the gate cannot be reached, or an instance is starting, not ready, or shows another key than the
            pinned one; or the store cannot be read.
    """
    from broker.gate.config import gate_policy
    from proxyd.sources import SettingsError

    try:
        bind = gate_policy(settings).bind
    except SettingsError as error:
        raise CommandError(str(error)) from None
    listening = [await _listening(bind)] if bind else []
    return "; ".join([*listening, *await _known(settings, address)]) or None


async def _listening(bind: str) -> str:
    try:
        if bind.startswith("unix:"):
            _, writer = await asyncio.open_unix_connection(bind.removeprefix("unix:"))
        else:
            host, _, port = reachable(bind).rpartition(":")
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except OSError:
        raise CommandError(f"gate-bind: nothing answers at {bind}") from None
    writer.close()
    return f"listens at {bind}"


async def _known(settings: Settings, address: str | None) -> list[str]:
    """A line on each instance at an address."""
    from broker.gate.host_keys import PinnedKeys
    from broker.gate.instances import Instances
    from broker.gate.introduction import contradiction, starting
    from broker.gate.reports import Reports
    from broker.store import StoreError, is_there, open_store

    if address is None or not is_there(settings.store):
        return []
    lines: list[str] = []
    now = time.time()
    try:
        store = open_store(settings.store, time.time)
        try:
            for instance in await Instances(store, time.time).known_at(address.rpartition(":")[0]):
                name = f"instance {instance.id} ({instance.name})"
                keys = await PinnedKeys(store, time.time).find(instance.id)
                refusal = contradiction(keys)
                if refusal is not None:
                    raise CommandError(f"{name}: {refusal.message}")
                report = await Reports(store, time.time).find(instance.id)
                wait = starting(instance, report, "ssh", now, settings.gate_patience)
                if wait is not None:
                    raise CommandError(f"{name}: {wait.message}")
                lines.append(f"{name} {_facts(report, keys, now)}")
        finally:
            await store.close()
    except StoreError as error:
        raise CommandError(f"store: {error}") from None
    return lines


def _facts(report: Report, keys: HostKeys, now: float) -> str:
    ready = "is ready" if report.ready else "does not say whether it is ready"
    reported = f"reported {now - report.reported:.0f} s ago" if report.reported else "has reported nothing"
    count = len(keys.pins)
    return f"{ready}, {reported}, {count} host {'key' if count == 1 else 'keys'} pinned"
