"""X11 keysyms to XT scancodes of a US keyboard, for servers that want to know which key it was (QEMU).

A scancode has bit 7 set where the key's code follows an e0 prefix (sheet section H.5).
"""

from __future__ import annotations

__all__ = ["LETTERS", "PLAIN", "SHIFTED"]


def _row(first: int, characters: str) -> dict[int, int]:
    return {ord(character): first + index for index, character in enumerate(characters)}


LETTERS: dict[int, int] = {
    **_row(0x10, "qwertyuiop"),
    **_row(0x1E, "asdfghjkl"),
    **_row(0x2C, "zxcvbnm"),
}
"""Lower-case letters; Shift or Caps Lock gives the others."""

_KEYPAD = {
    # KP_Home .. KP_Delete, then the digits of the same keys
    **dict(zip((0xFF95, 0xFF97, 0xFF9A), (0x47, 0x48, 0x49), strict=True)),
    **dict(zip((0xFF96, 0xFF9D, 0xFF98), (0x4B, 0x4C, 0x4D), strict=True)),
    **dict(zip((0xFF9C, 0xFF99, 0xFF9B), (0x4F, 0x50, 0x51), strict=True)),
    **dict(zip((0xFF9E, 0xFF9F), (0x52, 0x53), strict=True)),
    **dict(
        zip(range(0xFFB0, 0xFFBA), (0x52, 0x4F, 0x50, 0x51, 0x4B, 0x4C, 0x4D, 0x47, 0x48, 0x49), strict=True)
    ),
    0xFFAE: 0x53,  # KP_Decimal
    0xFFAA: 0x37,  # KP_Multiply
    0xFFAB: 0x4E,  # KP_Add
    0xFFAD: 0x4A,  # KP_Subtract
    0xFFAF: 0xB5,  # KP_Divide
    0xFF8D: 0x9C,  # KP_Enter
}

_NAMED = {
    0xFF08: 0x0E,  # BackSpace
    0xFF09: 0x0F,  # Tab
    0xFF0D: 0x1C,  # Return
    0xFF1B: 0x01,  # Escape
    0xFFFF: 0xD3,  # Delete
    0xFF50: 0xC7,  # Home
    0xFF51: 0xCB,  # Left
    0xFF52: 0xC8,  # Up
    0xFF53: 0xCD,  # Right
    0xFF54: 0xD0,  # Down
    0xFF55: 0xC9,  # Page_Up
    0xFF56: 0xD1,  # Page_Down
    0xFF57: 0xCF,  # End
    0xFF63: 0xD2,  # Insert
    0xFF13: 0xC6,  # Pause
    0xFF61: 0x54,  # Print
    0xFF14: 0x46,  # Scroll_Lock
    0xFF7F: 0x45,  # Num_Lock
    0xFFE5: 0x3A,  # Caps_Lock
    0xFFE1: 0x2A,  # Shift_L
    0xFFE2: 0x36,  # Shift_R
    0xFFE3: 0x1D,  # Control_L
    0xFFE4: 0x9D,  # Control_R
    0xFFE9: 0x38,  # Alt_L
    0xFFEA: 0xB8,  # Alt_R
    0xFFE7: 0xDB,  # Meta_L
    0xFFE8: 0xDC,  # Meta_R
    0xFFEB: 0xDB,  # Super_L
    0xFFEC: 0xDC,  # Super_R
    0xFE03: 0xB8,  # ISO_Level3_Shift
    0xFF67: 0xDD,  # Menu
    **{0xFFBE + index: 0x3B + index for index in range(10)},  # F1 .. F10
    0xFFC8: 0x57,  # F11
    0xFFC9: 0x58,  # F12
}

PLAIN: dict[int, int] = {
    **_row(0x02, "1234567890-="),
    **_row(0x1A, "[]"),
    **_row(0x27, ";'`"),
    **_row(0x2B, "\\"),
    **_row(0x33, ",./"),
}
"""Symbols of keys pressed without Shift."""

SHIFTED: dict[int, int] = {
    **_row(0x02, "!@#$%^&*()_+"),
    **_row(0x1A, "{}"),
    **_row(0x27, ':"~'),
    **_row(0x2B, "|"),
    **_row(0x33, "<>?"),
}
"""Symbols of keys pressed with Shift."""

NEUTRAL: dict[int, int] = {0x20: 0x39, **_NAMED, **_KEYPAD}
"""Keys whose meaning does not depend on Shift."""
