"""The automaton: whole, and the same in the places where the standard says "anywhere"."""

from __future__ import annotations

import pytest

from proxyd.terminal.parser import Parser
from proxyd.terminal.states import HIGH, TABLE, Action, State


def test_every_character_has_a_transition_in_every_state():
    assert len(TABLE) == len(State)
    assert all(len(row) == HIGH + 1 for row in TABLE)


@pytest.mark.parametrize("state", State)
def test_can_sub_esc_and_c1_act_anywhere(state):
    row = TABLE[state]
    assert row[0x18] == row[0x1A] == ((Action.EXECUTE,), State.GROUND)
    assert row[0x1B][1] is State.ESCAPE
    assert row[0x9B][1] is State.CSI_ENTRY
    assert row[0x9C][1] is State.GROUND
    assert row[0x85][1] is State.GROUND


def test_nothing_is_printed_inside_of_sequences_but_what_ends_them():
    for state in State:
        for code, (actions, target) in enumerate(TABLE[state]):
            if Action.PRINT in actions:
                assert target is State.GROUND
                assert state is State.GROUND or code == HIGH


def test_every_action_is_performed():
    assert set(Parser._PERFORM) == set(Action)
    used = {action for row in TABLE for actions, _ in row for action in actions}
    assert used == set(Action)
