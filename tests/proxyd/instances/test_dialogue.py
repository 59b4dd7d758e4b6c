from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.instances.dialogue import MAX_ANSWER, Question, printable


def asked(typed: str, *, secret: bool = False) -> tuple[Question, str]:
    question = Question(secret=secret)
    return question, question.type(typed)


@pytest.mark.parametrize("secret", [False, True])
@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("alice\r", "alice"),
        ("alcie\x7f\x7f\x7fice\r", "alice"),
        ("alcie\b\b\bice\r", "alice"),
        ("wrong\x15right\r", "right"),
        ("wrong\x17right\r", "right"),
        ("\x7f\x7fa\r", "a"),
        ("a\x1b[Cb\x1b[1;5Dc\x1bOPd\r", "abcd"),
        ("täst 中\r", "täst 中"),
        ("\r", ""),
        ("one\rtwo\r", "one"),
        ("a\x01\x02b\r", "ab"),
        ("pasted\n", "pasted"),
    ],
)
def test_answers(typed: str, answer: str, secret: bool) -> None:
    question, _ = asked(typed, secret=secret)
    assert question.answer == answer


@pytest.mark.parametrize(
    ("typed", "secret", "shown"),
    [
        ("ab", False, "ab"),
        ("ab", True, "**"),
        ("a\x7f", False, "a\b \b"),
        ("中\x7f", False, "中\b \b\b \b"),
        ("中\x7f", True, "*\b \b"),
        ("abc\x15", True, "***" + "\b \b" * 3),
        ("a\r", False, "a\r\n"),
        ("\x7f", False, ""),
    ],
)
def test_what_is_shown(typed: str, secret: bool, shown: str) -> None:
    assert asked(typed, secret=secret)[1] == shown


@pytest.mark.parametrize("typed", ["\x03", "abc\x03", "\x04"])
def test_a_person_can_give_up(typed: str) -> None:
    question, _ = asked(typed)
    assert question.cancelled
    assert question.answer is None


def test_end_of_input_counts_only_where_nothing_was_typed() -> None:
    assert not asked("a\x04")[0].answered


def test_answers_are_bounded() -> None:
    question, _ = asked("x" * 5000 + "\r")
    assert question.answer == "x" * MAX_ANSWER


@given(st.text(max_size=30))
def test_a_secret_is_never_shown(typed: str) -> None:
    assert not set(asked(typed, secret=True)[1]) - set("* \b\r\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Welcome\nto us", "Welcome\r\nto us"),
        ("\x1b]0;owned\x07\x1b[2Jhi", "]0;owned[2Jhi"),
        ("a\u202eb\u2066c", "abc"),
        ("\x9b31mred", "31mred"),
        ("crlf\r\n", "crlf\r\n"),
    ],
)
def test_a_server_s_text_cannot_act(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_a_server_s_text_is_bounded() -> None:
    assert len(printable("x" * 1_000_000)) == 4096
