"""What is shown of instances: on the operator's page, on the command line and to their platforms alike.

An instance chooses its words itself: what a person reads of them is one line without anything that is not printed.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from broker.gate.host_keys import HostKeys
    from broker.gate.instance import Instance
    from broker.gate.nets import Net
    from broker.gate.reports import Report, Value

__all__ = ["clean", "described", "described_net", "legible", "readiness", "reported", "shown_keys"]

MAX_LINE = 200
"""Characters of what a person is shown of one value."""
READINESS = {True: "ready", False: "not ready", None: "says nothing of it"}


def clean(text: str) -> str:
    """A line for a person: what is not printed, or turns the direction of writing, is a blank."""
    line = text[: 4 * MAX_LINE].strip()
    line = "".join(character if character.isprintable() else " " for character in line)
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}…"


def legible(attributes: dict[str, Value]) -> dict[str, str]:
    """What an instance said, for a person: a line each, vectors written as they are sent."""
    return {clean(name): clean(_written(value)) for name, value in attributes.items()}


def _written(value: Value) -> str:
    if isinstance(value, str):
        return value
    return f"[{', '.join(f'{name}={part}' for name, part in value.items())}]"


def described(instance: Instance, now: float) -> dict[str, Any]:
    """An instance without its secrets; times are Unix seconds."""
    row = asdict(instance)
    del row["vnc_password"]
    row["tokens"] = [
        {"created": token.created, "until": token.until, "legacy": token.legacy, "good": token.good(now)}
        for token in instance.tokens
    ]
    return row


def described_net(net: Net) -> dict[str, Any]:
    """A virtual network, as whoever describes it writes it."""
    row = asdict(net)
    row["ranges"] = [part.attributes | {"leases": part.leases} for part in net.ranges]
    return row


def readiness(report: Report) -> str:
    """Whether an instance is ready, in its own words."""
    return READINESS[report.ready] if report.reported else "no report yet"


def reported(report: Report) -> dict[str, Any]:
    """What an instance said last, but for its attributes; times are Unix seconds."""
    return {
        "reported": report.reported or None,
        "from": report.address,
        "ready": report.ready,
        "readiness": readiness(report),
        "agent": clean(report.text("BROKER_AGENT")),
        "error": clean(report.text("BROKER_ERROR")),
    }


def shown_keys(keys: HostKeys) -> dict[str, Any]:
    """Pinned host keys and what else was shown; times are Unix seconds."""
    return asdict(keys) | {"blocked": keys.blocked}
