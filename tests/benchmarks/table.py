"""Figures as a table for people or as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.rows import Row

__all__ = ["Result", "as_json", "as_table"]

HEADS = ("work", "unit", "budget", "fanlight", "guacd", "times better", "")


@dataclass(frozen=True)
class Result:
    """What the rounds of one row gave; a daemon that was not measured has none."""

    benchmark: str
    row: Row
    ours: Sequence[float]
    guacd: Sequence[float]

    def cells(self) -> tuple[str, ...]:
        """The line of the table, without its verdict."""
        return (
            self.row.work,
            self.row.unit,
            self.row.budget,
            _figure(self.middle),
            _figure(self.middle_of_guacd),
            "" if self.ratio is None else f"{self.ratio:.1f}",
            {True: "kept", False: "MISSED", None: ""}[self.kept],
        )

    @property
    def middle(self) -> float | None:
        """Our median."""
        return median(self.ours) if self.ours else None

    @property
    def middle_of_guacd(self) -> float | None:
        """Guacd's median."""
        return median(self.guacd) if self.guacd else None

    @property
    def kept(self) -> bool | None:
        """Whether our median keeps the budget; None where nothing can be said."""
        return None if self.middle is None else self.row.kept(self.middle, self.middle_of_guacd)

    @property
    def ratio(self) -> float | None:
        """How many times better our median is than guacd's."""
        return None if self.middle is None else self.row.ratio(self.middle, self.middle_of_guacd)


def as_table(results: Sequence[Result]) -> str:
    """A table in Markdown, aligned for a terminal."""
    lines = [HEADS, *(result.cells() for result in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in (lines[0], rule, *lines[1:])
    )


def as_json(results: Sequence[Result]) -> str:
    """The same, every round included."""
    rows = [
        {
            "benchmark": result.benchmark,
            "row": result.row.name,
            "work": result.row.work,
            "unit": result.row.unit,
            "budget": result.row.budget,
            "kept": result.kept,
            "fanlight": list(result.ours),
            "guacd": list(result.guacd),
        }
        for result in results
    ]
    return json.dumps({"machine": machine(), "rows": rows}, indent=2, ensure_ascii=False)


def machine() -> str:
    """What this machine is, in a line."""
    return f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}"


def _figure(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
