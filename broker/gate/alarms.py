"""Tells operators of host keys that were shown and are not the pinned ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from broker.gate.host_keys import Mismatch
    from broker.metrics import Metrics

__all__ = ["sound"]


def sound(alarms: Iterable[Mismatch], instance: str, metrics: Metrics) -> None:
    """Count and log what is new.

    Args:
        alarms: as `PinnedKeys.saw` returns them.
        instance: the id of the instance that showed them.
        metrics: what is counted.
    """
    for alarm in alarms:
        metrics.host_key_alarms.inc()
        structlog.get_logger().warning(
            "host key changed",
            instance=instance,
            shown=alarm.shown.fingerprint,
            expected=alarm.expected,
            source=alarm.shown.source,
            address=alarm.address,
        )
