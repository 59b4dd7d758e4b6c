from __future__ import annotations

from proxyd.wire.status import Hop, Status, StatusError


def test_codes_are_unique_and_found_by_number() -> None:
    assert len({status.code for status in Status}) == len(Status)
    assert all(Status.from_code(status.code) is status for status in Status)
    assert Status.from_code(4711) is Status.SERVER_ERROR


def test_unauthorized_is_http_403_never_401() -> None:
    assert Status.CLIENT_UNAUTHORIZED.http == 403
    assert Status.CLIENT_UNAUTHORIZED.websocket == 1008


def test_wire_text_names_hop_and_reference() -> None:
    error = StatusError(Status.UPSTREAM_UNAVAILABLE, "Nothing listens on port 5905.", Hop.DESKTOP)
    assert error.wire_text("7K2A") == "desktop: Nothing listens on port 5905. (ref 7K2A)"
