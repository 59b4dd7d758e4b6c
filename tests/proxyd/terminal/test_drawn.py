from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from proxyd.terminal.drawn import draw, stroke
from proxyd.terminal.glyphs import shades

SIZES = [(7, 14), (8, 17), (9, 18), (10, 19), (19, 38), (22, 43), (5, 9)]
WEIGHTS = {"LIGHT": 1, "SINGLE": 1, "HEAVY": 2, "DOUBLE": 3}
ARMS = {
    "UP": ["up"], "DOWN": ["down"], "LEFT": ["left"], "RIGHT": ["right"],
    "VERTICAL": ["up", "down"], "HORIZONTAL": ["left", "right"],
}  # fmt: skip


def ink(character: str, width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    drawn = draw(character, width, height)
    assert drawn is not None
    assert drawn.shape == (height, width)
    return drawn


def arms(character: str) -> dict[str, int] | None:
    """The weight of each arm, out of the character's Unicode name; None for dashes, arcs and diagonals."""
    words = unicodedata.name(character).replace("BOX DRAWINGS ", "").replace(" AND ", " ").split()
    if {"DASH", "ARC", "DIAGONAL"} & set(words):
        return None
    found = dict.fromkeys(["up", "down", "left", "right"], 0)
    before = words[0] in WEIGHTS  # the weight stands before its arms, or after them
    weight, waiting = 0, []
    for word in words:
        if word in WEIGHTS:
            weight = WEIGHTS[word]
            found.update(dict.fromkeys(waiting, weight))
            waiting = []
        else:
            if before:
                found.update(dict.fromkeys(ARMS[word], weight))
            else:
                waiting += ARMS[word]
    return found


def edges(drawn: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> dict[str, bytes]:
    return {
        "up": drawn[0].tobytes(),
        "down": drawn[-1].tobytes(),
        "left": drawn[:, 0].tobytes(),
        "right": drawn[:, -1].tobytes(),
    }


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_lines_meet_at_the_edges_of_cells(width: int, height: int) -> None:
    """An arm reaches its edge exactly where the straight line of its weight does; where there is none, no ink does."""
    upright = [None, ink("│", width, height), ink("┃", width, height), ink("║", width, height)]
    level = [None, ink("─", width, height), ink("━", width, height), ink("═", width, height)]
    for character in map(chr, range(0x2500, 0x2580)):
        expected = arms(character)
        if expected is None:
            continue
        for side, found in edges(ink(character, width, height)).items():
            straight = (upright if side in {"up", "down"} else level)[expected[side]]
            wanted = bytes(len(found)) if straight is None else edges(straight)[side]
            assert found == wanted, (character, side)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(("arc", "corner"), ["╭┌", "╮┐", "╯┘", "╰└"])
def test_arcs_join_with_straight_lines(arc: str, corner: str, width: int, height: int) -> None:
    assert edges(ink(arc, width, height)) == edges(ink(corner, width, height))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_lines_have_the_same_middle_whatever_their_weight(width: int, height: int) -> None:
    for light, heavy in ("─━", "│┃"):
        thin, thick = (
            np.argwhere(ink(character, width, height)).mean(axis=0) for character in (light, heavy)
        )
        assert thin.tolist() == thick.tolist()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_double_line_is_two_lines_with_a_gap(width: int, height: int) -> None:
    column = ink("═", width, height)[:, 0] > 0
    assert np.count_nonzero(np.diff(column.astype(int)) == 1) == 2
    assert column.sum() == 2 * stroke(height)


def test_crossing_double_lines_leave_their_middle_free() -> None:
    drawn = ink("╬", 10, 19)
    assert not drawn[9, 4]
    assert not drawn[9].all()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_dashes_have_as_many_gaps_as_dashes_so_that_they_go_on_in_the_next_cell(
    width: int, height: int
) -> None:
    for character, count in zip("╌┄", (2, 3), strict=True):
        if width < 2 * count:
            continue
        two = np.hstack([ink(character, width, height)] * 2)
        row = two[two.any(axis=1)][0] > 0
        assert np.count_nonzero(np.diff(row.astype(int)) == 1) + row[0] == 2 * count


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_blocks_fill_their_part(width: int, height: int) -> None:
    assert (ink("█", width, height) == 255).all()
    assert np.array_equal(ink("▀", width, height) == 0, ink("▄", width, height) > 0)
    left, right = ink("▌", width, height) > 0, ink("▐", width, height) > 0
    assert (left ^ right).all()
    assert np.array_equal(
        ink("▙", width, height), np.maximum(ink("▌", width, height), ink("▗", width, height))
    )
    heights = [np.count_nonzero(ink(chr(0x2580 + n), width, height)[:, 0]) for n in range(1, 9)]
    assert heights == sorted(heights)


def test_shades_get_darker() -> None:
    values = [shades(ink(character, 8, 16))[0, 0] for character in " ░▒▓█"[1:]]
    assert values == sorted(set(values))


def sextant(name: str) -> list[int]:
    return [int(digit) for digit in name.removeprefix("BLOCK SEXTANT-")]


def test_sextants_fill_what_their_names_say() -> None:
    for character in map(chr, range(0x1FB00, 0x1FB3C)):
        drawn = ink(character, 10, 18)
        found = [
            2 * row + column + 1
            for row in range(3)
            for column in range(2)
            if drawn[row * 6 : row * 6 + 6, column * 5 : column * 5 + 5].all()
        ]
        assert found == sextant(unicodedata.name(character))


@pytest.mark.parametrize("point", [0x2801, 0x2880, 0x28FF, 0x2847, 0x28B8])
def test_braille_has_the_dots_of_its_name(point: int) -> None:
    expected = [int(digit) for digit in unicodedata.name(chr(point)).rpartition("-")[2]]
    drawn = ink(chr(point), 12, 24)
    order = {1: (0, 0), 2: (0, 1), 3: (0, 2), 4: (1, 0), 5: (1, 1), 6: (1, 2), 7: (0, 3), 8: (1, 3)}
    found = [
        dot
        for dot, (column, row) in order.items()
        if drawn[row * 6 : row * 6 + 6, column * 6 : column * 6 + 6].any()
    ]
    assert found == expected


def test_powerline_triangles_fill_their_edge_from_top_to_bottom() -> None:
    assert (ink("\ue0b0", 10, 20)[:, 0] > 100).all()
    assert (ink("\ue0b2", 10, 20)[:, -1] > 100).all()
    assert np.array_equal(ink("\ue0b0", 10, 20), ink("\ue0b2", 10, 20)[:, ::-1])


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_drawn_character_has_ink_at_every_size(width: int, height: int) -> None:
    for point in (*range(0x2500, 0x25A0), *range(0x23BA, 0x23BE), *range(0xE0B0, 0xE0B8)):
        assert ink(chr(point), width, height).any()


def test_letters_are_not_drawn() -> None:
    assert draw("a", 8, 16) is None
    assert draw("中", 16, 16) is None
