"""Connection parameters: the table's row type, and values out of what a client sent (sheet section 5)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["KEEPING", "RECORDING", "WAYS", "Arguments", "Parameter"]

log = logging.getLogger(__name__)

Value = str | int | bool


class Parameter(NamedTuple):
    """One connection parameter. The type of `default` is the type of the value.

    Attributes:
        minimum, maximum: range of an integer, inclusive; a value outside is refused.
        clamp: bring an integer outside the range to its nearest end instead.
        secret: never shown in a log.
    """

    name: str
    default: Value = ""
    minimum: int | None = None
    maximum: int | None = None
    clamp: bool = False
    secret: bool = False


RECORDING = (
    Parameter("recording-path"),
    Parameter("recording-name", "recording"),
    Parameter("recording-exclude-output", False),
    Parameter("recording-exclude-mouse", False),
    Parameter("recording-include-keys", False),
    Parameter("recording-include-clipboard", False),
    Parameter("create-recording-path", False),
    Parameter("recording-write-existing", False),
)
"""The rows that every protocol has in a row; sessions read them."""

KEEPING = (
    Parameter("detach-timeout", 0, 0, 7 * 86400, clamp=True),
    Parameter("session-owner", secret=True),
)
"""Ours, behind guacd's: seconds that the session is kept while its owner is away, and a word that only its owner's
broker knows: whoever joins with the same word is the owner again."""

WAYS = (
    Parameter("jump-hosts", secret=True),
    Parameter("gateway-owner"),
    Parameter("gw-idle", 900, 10, 7 * 86400, clamp=True),
    Parameter("gw-max", 43_200, 60, 7 * 86400, clamp=True),
    Parameter("network"),
)
"""Ours: what stands before the instance. Jump hosts, see `proxyd.wire.route`; whose logins there they are, so that
the same person signs in once; seconds until a login ends that nobody uses, and until it ends in any case; the private
network whose connector dials."""


class Arguments:
    """The values of one connection, typed and checked. `repr` shows names only."""

    def __init__(self, parameters: Sequence[Parameter], given: Mapping[str, str]) -> None:
        """Read `given` by the table; an empty or missing value means the default.

        Raises:
            StatusError: an integer is out of its range (CLIENT_BAD_REQUEST).
        """
        self._values = {row.name: _value(row, given.get(row.name, "")) for row in parameters}

    def text(self, name: str) -> str:
        """A text parameter."""
        value = self._values[name]
        assert isinstance(value, str), name
        return value

    def number(self, name: str) -> int:
        """An integer parameter."""
        value = self._values[name]
        assert isinstance(value, int), name
        return value

    def flag(self, name: str) -> bool:
        """A boolean parameter."""
        value = self._values[name]
        assert isinstance(value, bool), name
        return value

    def written(self, name: str) -> str:
        """A value as it would be sent."""
        value = self._values[name]
        return str(value).lower() if isinstance(value, bool) else str(value)

    def __repr__(self) -> str:
        return f"Arguments({', '.join(self._values)})"


def _value(row: Parameter, text: str) -> Value:
    if text == "":
        return row.default
    if isinstance(row.default, bool):
        if text not in {"true", "false"}:
            log.warning("parameter %s is neither true nor false: the default is used", row.name)
            return row.default
        return text == "true"
    if isinstance(row.default, int):
        return _integer(row, text, row.default)
    return text


def _integer(row: Parameter, text: str, default: int) -> int:
    try:
        number = int(text.strip()) if len(text) <= 20 else None
    except ValueError:
        number = None
    if number is None:
        log.warning("parameter %s is not an integer: the default is used", row.name)
        return default
    low = number if row.minimum is None else max(number, row.minimum)
    inside = low if row.maximum is None else min(low, row.maximum)
    if inside != number and not row.clamp:
        raise StatusError(Status.CLIENT_BAD_REQUEST, f"Parameter {row.name} is out of range.")
    return inside
