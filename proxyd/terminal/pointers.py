"""Shapes of the pointer over a terminal, drawn here so that every browser shows the same."""

from __future__ import annotations

import functools

import numpy as np

from proxyd.display.ops import Cursor

__all__ = ["ARROW", "HAND", "TEXT", "pointer"]

TEXT, ARROW, HAND = "text", "arrow", "hand"

_INK = {" ": (0, 0, 0, 0), "#": (0, 0, 0, 255), "o": (255, 255, 255, 255)}

_SHAPES = {
    TEXT: (
        (3, 8),
        "ooo ooo",
        "o##o##o",
        "oo###oo",
        "  o#o  ",
        "  o#o  ",
        "  o#o  ",
        "  o#o  ",
        "  o#o  ",
        "  o#o  ",
        "  o#o  ",
        "  o#o  ",
        "  o#o  ",
        "  o#o  ",
        "oo###oo",
        "o##o##o",
        "ooo ooo",
    ),
    ARROW: (
        (0, 0),
        "#          ",
        "##         ",
        "#o#        ",
        "#oo#       ",
        "#ooo#      ",
        "#oooo#     ",
        "#ooooo#    ",
        "#oooooo#   ",
        "#ooooooo#  ",
        "#oooooooo# ",
        "#ooooo#####",
        "#oo#oo#    ",
        "#o# #oo#   ",
        "##  #oo#   ",
        "     #oo#  ",
        "     ###   ",
    ),
    HAND: (
        (4, 0),
        "    ##       ",
        "   #oo#      ",
        "   #oo#      ",
        "   #oo#      ",
        "   #oo###    ",
        "   #oo#oo##  ",
        " ###oo#oo#o# ",
        "#oo#ooooo#oo#",
        "#ooooooooooo#",
        " #oooooooooo#",
        " #oooooooooo#",
        "  #ooooooooo#",
        "  #oooooooo# ",
        "   #ooooooo# ",
        "   #ooooooo# ",
        "   ######### ",
    ),
}
"""Hot spot, then rows: # black, o white."""


@functools.lru_cache(maxsize=16)
def pointer(shape: str, dpi: int) -> Cursor:
    """A pointer's picture on a screen of this resolution."""
    (hot_x, hot_y), *rows = _SHAPES[shape]
    pixels = np.array([[_INK[mark] for mark in row] for row in rows], np.uint8)
    scale = max(1, min(round(dpi / 96), 4))
    pixels = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
    height, width, _ = pixels.shape
    return Cursor(hot_x * scale, hot_y * scale, width, height, pixels.tobytes())
