from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import ApiError
from broker.gate import requests
from broker.gate.pushes import EVENTS
from broker.gate.reports import ReportError

if TYPE_CHECKING:
    from collections.abc import Callable

READERS: list[Callable[[bytes], Any]] = [
    requests.update,
    requests.action,
    requests.cardinality,
    lambda body: requests.extended(body, "extended=true"),
    lambda body: requests.happening(body, frozenset(EVENTS)),
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["action", "perform", "boot"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["action", "perform", "params", "cardinality", "event", "detail", "data", "A"]),
            inner,
        )
    ),
    max_leaves=8,
)
BODIES = (
    st.binary(max_size=60)
    | st.text(st.sampled_from('data=&type12%AB"\n\\+ ')).map(str.encode)
    | JSON.map(json.dumps).map(str.encode)
)


@pytest.mark.parametrize("read", READERS, ids=["update", "action", "cardinality", "extended", "happening"])
@given(BODIES)
def test_any_body_is_read_or_refused(read: Callable[[bytes], Any], body: bytes) -> None:
    try:
        read(body)
    except ApiError as error:
        status = error.status
    except ReportError:
        status = 400
    else:
        status = 400
    assert status == 400


@pytest.mark.parametrize(
    ("body", "query", "expected"),
    [
        (b"extended=true", "", True), (b"", "extended=TRUE", True), (b"extended=false", "", False), (b"", "", False),
        (b"extended", "", False), (b"other=1&extended=true", "", True),
    ],
)  # fmt: skip
def test_the_extended_form_is_asked_for(body: bytes, query: str, expected: bool) -> None:
    assert requests.extended(body, query) is expected


@pytest.mark.parametrize(
    "body",
    [b"data=" + b"%41" * 131072 + b"&type=1", b"json=true&" * 3 + b"data=A=1", b"data=" + b"&x=1" * 70],
    ids=["largest", "junk", "fields"],
)
def test_forms_are_told_from_attributes(body: bytes) -> None:
    if body.count(b"&x=") > 64:
        with pytest.raises(ApiError):
            requests.update(body)
    else:
        assert requests.update(body).data.startswith("A")
