"""What instances send, read by path and not by type: clients send any `Content-Type` or none (sheet E.5)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from broker.errors import ApiError
from broker.gate.attributes import clean

if TYPE_CHECKING:
    from broker.gate.reports import Value

__all__ = ["MAX_BODY", "Happening", "Update", "action", "cardinality", "extended", "happening", "update"]

MAX_BODY = 3 * 131072 + 4096
"""Bytes of a body: the longest text of attributes, every byte written as `%41`."""
MAX_FIELDS = 64
MAX_WORD = 64
MAX_ORDER = 8192
"""Bytes of what a core is asked to do."""
MAX_EVENT_DATA = 64
EVENT_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_FORM = re.compile(r"(?:[a-z_]{1,32}=[^&\s\"]*&){0,16}data=", re.ASCII)
"""A form that has a field `data`; anything else is attributes themselves."""


class Update(NamedTuple):
    """What shall change.

    Attributes:
        erase: whether `data` names an attribute to erase; otherwise it holds attributes.
        data: text.
    """

    erase: bool
    data: str


class Happening(NamedTuple):
    """What happened on an instance.

    Attributes:
        event: a word.
        detail: a sentence.
        data: attributes with it.
    """

    event: str
    detail: str
    data: dict[str, Value]


def update(body: bytes) -> Update:
    """Read what is pushed.

    Raises:
        ApiError: it is not UTF-8, or of an unknown type (400).
    """
    text = _text(body)
    if not _FORM.match(text):
        return Update(erase=False, data=text)
    fields = _fields(text)
    kind = fields.get("type", "1")
    if kind not in {"1", "2"}:
        raise ApiError(400, "type is 1 or 2.")
    return Update(kind == "2", fields["data"])


def extended(body: bytes, query: str) -> bool:
    """Whether the extended form is asked for, in a body or the query."""
    words = (_fields(_text(text)).get("extended", "") for text in (body, query.encode()))
    return any(word.lower() == "true" for word in words)


def action(body: bytes) -> tuple[str, Any]:
    """An action with its parameters.

    Raises:
        ApiError: the body is something else (400).
    """
    row = _object(body, MAX_ORDER).get("action")
    if not isinstance(row, dict) or not isinstance(row.get("perform"), str) or len(row["perform"]) > MAX_WORD:
        raise ApiError(400, 'The body is written like {"action": {"perform": "reboot"}}.')
    return row["perform"], row.get("params")


def cardinality(body: bytes) -> Any:
    """How many nodes a role shall have, as it was written.

    Raises:
        ApiError: the body is something else (400).
    """
    row = _object(body, MAX_ORDER)
    if "cardinality" not in row:
        raise ApiError(400, 'The body is written like {"cardinality": 3}.')
    return row["cardinality"]


def happening(body: bytes, events: frozenset[str]) -> Happening:
    """An event.

    Raises:
        ApiError: the body is something else (400).
        ReportError: a value cannot be kept.
    """
    row = _object(body)
    event, detail, data = row.get("event"), row.get("detail", ""), row.get("data", {})
    if not isinstance(event, str) or event not in events:
        raise ApiError(400, f"event is one of {', '.join(sorted(events))}.")
    if not isinstance(detail, str) or not detail.replace("\n", " ").isprintable():
        raise ApiError(400, "detail is a printable text.")
    if not isinstance(data, dict) or len(data) > MAX_EVENT_DATA:
        raise ApiError(400, f"data is an object of up to {MAX_EVENT_DATA} attributes.")
    if not all(EVENT_NAME.fullmatch(name) and isinstance(value, str) for name, value in data.items()):
        raise ApiError(400, "data: a name is written like WEB_PORT, and a value is a text.")
    return Happening(event, detail, {name: clean(value) for name, value in data.items()})


def _object(body: bytes, limit: int = MAX_BODY) -> dict[str, Any]:
    if len(body) > limit:
        raise ApiError(400, f"The body is larger than {limit} bytes.")
    try:
        row = json.loads(_text(body), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not JSON.") from None
    if not isinstance(row, dict):
        raise ApiError(400, "The body is no JSON object.")
    return row


def _no_number(word: str) -> float:
    raise ValueError(word)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise ApiError(400, "The body is not UTF-8.") from None


def _fields(text: str) -> dict[str, str]:
    """Fields of a form; the last of a name counts."""
    try:
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS))
    except ValueError:
        raise ApiError(400, "The form is broken, or has too many fields.") from None
