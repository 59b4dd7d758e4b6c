from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.gate.attributes import MAX_TEXT, encode, name_of, parse
from broker.gate.policy import ForbiddenError, Policy
from broker.gate.reports import MAX_ATTRIBUTES, MAX_TOTAL, MAX_VALUE, ReportError, check

READINGS: list[tuple[str, dict[str, object]]] = [
    ("", {}),
    ("READY=YES", {"READY": "YES"}),
    ("ready = yes ", {"READY": "yes"}),
    ("A=1\nB=2", {"A": "1", "B": "2"}),
    ("A=1\r\n\r\nB=2\r\n", {"A": "1", "B": "2"}),
    (r"A=1\nB=2", {"A": "1", "B": "2"}),
    (r"A=1\n\n B =2\n", {"A": "1", "B": "2"}),
    ("A=", {"A": ""}),
    ("A=1\nA=2", {"A": "2"}),
    ("A=x=y", {"A": "x=y"}),
    ('A="x y"', {"A": "x y"}),
    ('A="1\nB=2"\nC=3', {"A": "1\nB=2", "C": "3"}),
    (r'A="1\nB=2"\nC=3', {"A": "1\nB=2", "C": "3"}),
    (r'A="say \"so\" \\ \d"', {"A": r'say "so" \ \d'}),
    ('A=can\'t open "x"', {"A": 'can\'t open "x"'}),
    ('K=[A=1,B="2"]', {"K": {"A": "1", "B": "2"}}),
    ('k = [ a = 1 ,\n b = "x, ]y" ]\nC=3', {"K": {"A": "1", "B": "x, ]y"}, "C": "3"}),
    ("K=[]", {"K": {}}),
    ("# nothing\nA=1\n#B=2\n", {"A": "1"}),
    ("A=käse", {"A": "käse"}),
]
WRONG = [
    "A", "=1", "1A=2", "A-B=1", "ſ=1", "ı=1", "Ａ=1", "A" * 65 + "=1", 'A="1', 'A="1" 2', "A=[B=1", "A=[B]", "A=[B=1 C",
    "A=[B=1]]", "A=\x00", 'A="\x1b[31m"', "A=a\rb", "A=1\nB", r"A=1\nB", "\x0bA=1", "<b>=1",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READINGS, ids=range(len(READINGS)))
def test_attributes_are_read(text: str, expected: dict[str, object]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_is_of_no_such_form_is_refused(text: str) -> None:
    with pytest.raises(ReportError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "SERVICE_ID=1", "service_id=1", " SERVICE_ID=1", "SERVICE_ID =1", "\tService_Id\t=1", r"A=1\nSERVICE_ID=1",
        "A=1\r\nSERVICE_ID=1", "SERVICE_ID=[A=1]", 'A="x"\nSERVICE_ID = "1"', r'A="x"\n\n service_id = [ B="1" ]',
        "SERVICE_ID=1\nA=2", "# c\nSERVICE_ID=1", "BROKER_VNC_PASSWORD=x", "broker_users=x", "BROKER_USERS=[A=1]",
        "Broker_Gate_Time =1", "BROKER_=1", "BROKER_SSH_HOST_KEY_=x",
    ],
)  # fmt: skip
def test_no_spelling_of_a_restricted_name_slips_past(text: str) -> None:
    policy = Policy("", restricted_attributes=frozenset({"SERVICE_ID"}))
    with pytest.raises(ForbiddenError, match="restricted"):
        policy.check_attributes(parse(text), own=True)


@pytest.mark.parametrize(
    "text", [*("A=" + "x" * MAX_VALUE,), "\n".join(f"A{n}=1" for n in range(MAX_ATTRIBUTES))]
)
def test_as_much_as_is_permitted_is_taken(text: str) -> None:
    assert parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "A=" + "x" * (MAX_VALUE + 1),
        "A=" + "ä" * (MAX_VALUE // 2 + 1),
        "\n".join(f"A{n}=1" for n in range(MAX_ATTRIBUTES + 1)),
        "\n".join(f"A{n}=" + "x" * 8000 for n in range(9)),
        "A=[" + ",".join(f"B{n}=1" for n in range(MAX_ATTRIBUTES + 1)) + "]",
        "A=" + "x" * MAX_TEXT,
        "\n" * (MAX_TEXT + 1),
    ],
    ids=range(7),
)
def test_too_much_is_refused(text: str) -> None:
    with pytest.raises(ReportError, match=r"more than|larger than"):
        parse(text)


@pytest.mark.parametrize("text", ["A=1\\nB=2\nhunter2", "A=1\nB=2\n=hunter2", 'A="\nx"\nB="hunter2'])
def test_an_error_names_the_line_and_repeats_nothing_of_it(text: str) -> None:
    with pytest.raises(ReportError, match=r"line 3") as error:
        parse(text)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(("text", "name"), [("WEB", "WEB"), (" web_1 \n", "WEB_1")])
def test_a_name_to_erase_is_read(text: str, name: str) -> None:
    assert name_of(text) == name


@pytest.mark.parametrize("text", ["", "A=1", "A B", "1", "A\\nB", "ſ"])
def test_what_is_no_name_is_not_erased(text: str) -> None:
    with pytest.raises(ReportError):
        name_of(text)


NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,63}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=60)
ATTRIBUTES = st.dictionaries(NAMES, TEXTS | st.dictionaries(NAMES, TEXTS, max_size=5), max_size=12)


@given(ATTRIBUTES)
def test_what_is_written_is_read_back(attributes: dict[str, str | dict[str, str]]) -> None:
    assert parse(encode(attributes)) == attributes


@given(st.text(st.sampled_from('Aa1_=[]",\\n\n\r #\x00x'), max_size=200) | st.text(max_size=200))
def test_any_text_gives_attributes_within_bounds_or_our_error(text: str) -> None:
    try:
        found = parse(text)
    except ReportError as error:
        told = str(error)
    else:
        told = ""
        check(found)
        assert len(found) <= MAX_ATTRIBUTES
        assert sum(len(name) for name in found) <= MAX_TOTAL
        assert parse(encode(found)) == found
    assert len(told) < 300
    assert told.isprintable()


@pytest.mark.parametrize(
    "text", ["\\n" * 60000, "[" * 120000, "A=[" * 40000, 'A="' + "\\" * 120000, " #" * 60000]
)
def test_hostile_texts_are_told_apart_at_once(text: str) -> None:
    """Work grows with the text, not with its square: a test that hangs here has found a bad pattern."""
    with contextlib.suppress(ReportError):
        assert parse(text) == {}
