"""The automaton of a VT500 as data: what each character does in each state.

States and actions have the names of Paul Williams' parser for DEC's VT500 (https://vt100.net/emu/dec_ansi_parser), with
what came later: characters beyond ASCII, `:` among the parameters (ITU T.416), BEL as an end of OSC.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["HIGH", "TABLE", "Action", "State"]


class State(IntEnum):
    """Where in a sequence the parser is."""

    GROUND = 0
    ESCAPE = 1
    ESCAPE_INTERMEDIATE = 2
    CSI_ENTRY = 3
    CSI_PARAM = 4
    CSI_INTERMEDIATE = 5
    CSI_IGNORE = 6
    DCS_ENTRY = 7
    DCS_PARAM = 8
    DCS_INTERMEDIATE = 9
    DCS_PASSTHROUGH = 10
    DCS_IGNORE = 11
    OSC_STRING = 12
    SOS_PM_APC_STRING = 13


class Action(IntEnum):
    """What to do with a character; one method of `Parser` each."""

    PRINT = 0
    EXECUTE = 1
    C1 = 2
    CLEAR = 3
    COLLECT = 4
    PARAM = 5
    PUT = 6
    HOOK = 7
    ESC_DISPATCH = 8
    CSI_DISPATCH = 9
    OSC_END = 10
    UNHOOK = 11


Transition = tuple[tuple[Action, ...], State]

HIGH = 0xA0
"""The table's last column stands for every character from U+00A0 on."""
_C1_STATES = {
    0x90: State.DCS_ENTRY,
    0x98: State.SOS_PM_APC_STRING,
    0x9B: State.CSI_ENTRY,
    0x9C: State.GROUND,
    0x9D: State.OSC_STRING,
    0x9E: State.SOS_PM_APC_STRING,
    0x9F: State.SOS_PM_APC_STRING,
}
_ENDS = {State.OSC_STRING: Action.OSC_END, State.DCS_PASSTHROUGH: Action.UNHOOK}
"""What leaving a string by anything but CAN and SUB does."""
_EXECUTING = tuple(state for state in State if state <= State.CSI_IGNORE)
"""Where C0 controls are obeyed, even in the middle of a sequence."""
_CONTROLS = (range(0x18), range(0x19, 0x1A), range(0x1C, 0x20))


def _build() -> list[list[Transition]]:
    table: list[list[Transition]] = [[((), state)] * (HIGH + 1) for state in State]

    def rule(state: State, codes: range, target: State, *actions: Action) -> None:
        for code in codes:
            table[state][code] = (actions, target)

    s, a = State, Action
    printable, intermediates, digits, markers, finals = (
        range(first, last + 1)
        for first, last in ((0x20, 0x7E), (0x20, 0x2F), (0x30, 0x3B), (0x3C, 0x3F), (0x40, 0x7E))
    )
    high = range(HIGH, HIGH + 1)

    for state in _EXECUTING:
        for controls in _CONTROLS:
            rule(state, controls, state, a.EXECUTE)
    for state in _EXECUTING:
        rule(state, high, s.GROUND, a.PRINT)
    rule(s.GROUND, printable, s.GROUND, a.PRINT)

    rule(s.ESCAPE, range(0x30, 0x7F), s.GROUND, a.ESC_DISPATCH)
    for code, target in _C1_STATES.items():
        rule(s.ESCAPE, range(code - 0x40, code - 0x3F), target, a.CLEAR)
    rule(s.ESCAPE, range(0x5C, 0x5D), s.GROUND, a.ESC_DISPATCH)
    rule(s.ESCAPE_INTERMEDIATE, range(0x30, 0x7F), s.GROUND, a.ESC_DISPATCH)
    for state in (s.ESCAPE, s.ESCAPE_INTERMEDIATE):
        rule(state, intermediates, s.ESCAPE_INTERMEDIATE, a.COLLECT)

    for prefix, dispatch, target in ("CSI", a.CSI_DISPATCH, s.GROUND), ("DCS", a.HOOK, s.DCS_PASSTHROUGH):
        entry, param, intermediate, ignore = (
            s[f"{prefix}_{part}"] for part in ("ENTRY", "PARAM", "INTERMEDIATE", "IGNORE")
        )
        rule(entry, markers, param, a.COLLECT)
        rule(param, markers, ignore)
        rule(intermediate, range(0x30, 0x40), ignore)
        for state in (entry, param):
            rule(state, digits, param, a.PARAM)
        for state in (entry, param, intermediate):
            rule(state, intermediates, intermediate, a.COLLECT)
            rule(state, finals, target, dispatch)
    rule(s.CSI_IGNORE, finals, s.GROUND)
    for state in (s.DCS_ENTRY, s.DCS_PARAM, s.DCS_INTERMEDIATE):
        rule(state, high, s.DCS_IGNORE)

    for state in _ENDS:
        rule(state, printable, state, a.PUT)
        rule(state, high, state, a.PUT)
    for controls in _CONTROLS:
        rule(s.DCS_PASSTHROUGH, controls, s.DCS_PASSTHROUGH, a.PUT)
    rule(s.OSC_STRING, range(7, 8), s.GROUND, a.OSC_END)

    for state in State:
        end = (_ENDS[state],) if state in _ENDS else ()
        rule(state, range(0x18, 0x19), s.GROUND, a.EXECUTE)
        rule(state, range(0x1A, 0x1B), s.GROUND, a.EXECUTE)
        rule(state, range(0x1B, 0x1C), s.ESCAPE, *end, a.CLEAR)
        rule(state, range(0x80, 0xA0), s.GROUND, *end, a.C1)
        for code, target in _C1_STATES.items():
            rule(state, range(code, code + 1), target, *end, a.CLEAR)
    return table


TABLE: Final = _build()
"""`TABLE[state][min(ord(character), 0xA0)]`: the actions in order, and the next state."""
