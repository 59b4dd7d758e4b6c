"""What a benchmark is made of: its rows with their budgets, and the coroutine that measures them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from tests.benchmarks.target import Target

__all__ = ["Benchmark", "Options", "Row", "percentile"]


@dataclass(frozen=True)
class Row:
    """One line of the table. At most one kind of budget.

    Attributes:
        name: what `measure` calls the figure.
        work: what was measured, for the table.
        unit: of the figure.
        most: it shall not be more than this.
        least: it shall not be less than this.
        faster: guacd shall take at least so many times as long.
        not_worse: it shall not be more than guacd's.
        more_is_better: how a ratio without a budget reads.
    """

    name: str
    work: str
    unit: str
    most: float | None = None
    least: float | None = None
    faster: float | None = None
    not_worse: bool = False
    more_is_better: bool = False

    @property
    def budget(self) -> str:
        """The budget as the table shows it."""
        if self.most is not None:
            return f"≤ {self.most:g}"
        if self.least is not None:
            return f"≥ {self.least:g}"
        if self.faster is not None:
            return f"≥ {self.faster:g}x guacd"
        return "≤ guacd" if self.not_worse else ""

    def kept(self, ours: float, guacd: float | None) -> bool | None:
        """Whether the budget was kept; None where nothing can be said."""
        if self.most is not None:
            return ours <= self.most
        if self.least is not None:
            return ours >= self.least
        if guacd is None:
            return None
        if self.faster is not None:
            return guacd >= self.faster * ours
        return ours <= guacd if self.not_worse else None

    def ratio(self, ours: float, guacd: float | None) -> float | None:
        """How many times better than guacd; None where that means nothing."""
        if not ours or not guacd:
            return None
        return ours / guacd if self.more_is_better or self.least is not None else guacd / ours


@dataclass(frozen=True)
class Options:
    """How long to measure.

    Attributes:
        seconds: of each desktop load and of the flood beside a neighbour.
        keys: keystrokes whose echo is timed.
        megabytes: size of files that are shown or fetched.
        sessions: idle sessions whose memory is measured.
        crowd: idle sessions of one worker while its loop is timed.
        parameters: of the connections to desktops, beside the address.
    """

    seconds: float = 8.0
    keys: int = 150
    megabytes: int = 20
    sessions: int = 30
    crowd: int = 300
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Benchmark:
    """Some rows that one measurement gives.

    Attributes:
        name: what selects it on the command line.
        measure: measures a daemon; its figures by the names of the rows.
        peer: whether guacd can be measured alike.
    """

    name: str
    rows: Sequence[Row]
    measure: Callable[[Target, Options], Awaitable[dict[str, float]]]
    peer: bool = True


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]
