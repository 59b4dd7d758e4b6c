"""Form bodies as platforms write them: no Content-Type, not everything escaped (sheet A.2)."""

from __future__ import annotations

from urllib.parse import parse_qsl

from broker.auth.base import MalformedError

__all__ = ["MAX_BODY", "parse_form"]

MAX_BODY = 65536
"""Bytes of a token request."""
MAX_FIELDS = 200


def parse_form(data: bytes) -> dict[str, list[str]]:
    """Read `application/x-www-form-urlencoded` whatever the request called it; blank values are kept.

    Raises:
        MalformedError: not UTF-8, or too many fields.
    """
    try:
        pairs = parse_qsl(data.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:  # UnicodeDecodeError is one
        raise MalformedError("The body is not a form in UTF-8.") from None
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form
