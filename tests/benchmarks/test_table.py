"""The performance table: budgets, ratios, medians."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks.rows import Row, percentile
from tests.benchmarks.table import Result, as_json, as_table

MOST = Row("a", "echo", "ms", most=2)
LEAST = Row("b", "frames", "", least=220)
FASTER = Row("c", "cat", "s", faster=8)
NOT_WORSE = Row("d", "error", "levels", not_worse=True)
PLAIN = Row("e", "download", "MB/s", more_is_better=True)


@pytest.mark.parametrize(
    ("row", "budget", "ours", "guacd", "kept", "ratio"),
    [
        (MOST, "≤ 2", 2, None, True, None),
        (MOST, "≤ 2", 2.1, 4.2, False, 2.0),
        (LEAST, "≥ 220", 220, 110, True, 2.0),
        (LEAST, "≥ 220", 219, None, False, None),
        (FASTER, "≥ 8x guacd", 1, 8, True, 8.0),
        (FASTER, "≥ 8x guacd", 1, 7.9, False, 7.9),
        (FASTER, "≥ 8x guacd", 1, None, None, None),
        (NOT_WORSE, "≤ guacd", 3, 3, True, 1.0),
        (NOT_WORSE, "≤ guacd", 3, None, None, None),
        (NOT_WORSE, "≤ guacd", 0, 3, True, None),
        (PLAIN, "", 30, 10, None, 3.0),
    ],
)
def test_a_budget_is_kept_or_not(
    row: Row, budget: str, ours: float, guacd: float | None, kept: bool | None, ratio: float | None
) -> None:
    assert row.budget == budget
    assert row.kept(ours, guacd) is kept
    assert row.ratio(ours, guacd) == ratio


@pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 50), (95, 95), (99, 99), (100, 100)])
def test_percentiles_are_values_that_occurred(percent: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == value
    assert percentile([7.0], percent) == 7.0


def test_the_table_shows_medians_and_verdicts() -> None:
    table = as_table([Result("echo", MOST, [9, 1.234, 1], [2.468]), Result("cat", FASTER, [], [])])
    _, _, echo, cat = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert echo == ["echo", "ms", "≤ 2", "1.23", "2.47", "2.0", "kept"]
    assert cat == ["cat", "s", "≥ 8x guacd", "", "", "", ""]


def test_json_keeps_every_round() -> None:
    (row,) = json.loads(as_json([Result("echo", MOST, [9, 1, 3], [])]))["rows"]
    assert (row["fanlight"], row["guacd"], row["kept"]) == ([9, 1, 3], [], False)
