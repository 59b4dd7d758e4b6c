"""One request, one frame, whatever the server does."""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.display.ops import Cursor, Fill, Rect, Size
from proxyd.rfb.encodings import Encoding
from proxyd.rfb.events import PictureDrawn
from proxyd.rfb.frames import MAX_UPDATES
from tests.fakes.rfb_server import (
    extended_desktop_size,
    fill,
    new_client,
    opened_client,
    pseudo,
    raw,
    rect,
    update,
)

if TYPE_CHECKING:
    from proxyd.rfb.events import Event
    from proxyd.rfb.protocol import RfbClient

FULL = pack(">BBHHHH", 3, 0, 0, 0, 8, 4)
CHANGES = pack(">BBHHHH", 3, 1, 0, 0, 8, 4)
ALL = Rect(0, 0, 65535, 65535)
CURSOR = rect(1, 1, 2, 1, Encoding.CURSOR, b"\xff\xff\xff\0\0\0\0\0" + b"\xc0")
BLUE = Fill(0, 0, 8, 4, 0, 0, 255)


def picture(events: list[Event]) -> list[PictureDrawn]:
    return [event for event in events if isinstance(event, PictureDrawn)]


def shown_client() -> RfbClient:
    """A client whose first frame was drawn."""
    client, _ = opened_client()
    assert client.request_frame(ALL) == [PictureDrawn([Size(8, 4)], last=False)]
    drawn = picture(client.receive(update(raw())))
    assert drawn == [PictureDrawn([Fill(0, 0, 8, 4, 0x10, 0x20, 0x30)], last=True)]
    client.data_to_send()
    return client


def test_the_first_frame_is_whole_and_begins_with_its_size() -> None:
    client, _ = opened_client()
    assert client.request_frame(None) == []
    assert client.data_to_send() == FULL
    drawn = picture(client.receive(update(raw())))
    assert drawn == [PictureDrawn([Size(8, 4), Fill(0, 0, 8, 4, 0x10, 0x20, 0x30)], last=True)]


def test_a_frame_asked_for_before_the_session_is_open_is_asked_of_the_server_then() -> None:
    client = new_client()
    assert client.request_frame(ALL) == []
    assert client.data_to_send() == b""
    client.receive(
        b"RFB 003.008\n\x01\x01\0\0\0\0"
        + pack(">HH16sI", 8, 4, bytes([32, 24, 0, 1, 0, 255, 0, 255, 0, 255]), 0)
    )
    assert client.data_to_send().endswith(FULL)


def test_later_frames_ask_for_changes_only() -> None:
    client = shown_client()
    client.request_frame(None)
    assert client.data_to_send() == CHANGES
    assert picture(client.receive(update(fill(0, 0, 1, 1)))) == [
        PictureDrawn([Fill(0, 0, 1, 1, 16, 32, 48)], last=True)
    ]
    assert client.data_to_send() == b""


def test_an_update_that_draws_nothing_asks_for_changes_again() -> None:
    client, _ = opened_client()
    client.request_frame(ALL)
    client.data_to_send()
    assert picture(client.receive(update(extended_desktop_size(8, 4)))) == []
    assert client.data_to_send() == CHANGES  # not in full: that would bring the layout for ever
    assert picture(client.receive(update(raw())))[0].last


def test_a_pointer_alone_is_a_frame() -> None:
    client = shown_client()
    client.request_frame(None)
    (drawn,) = picture(client.receive(update(CURSOR)))
    assert isinstance(drawn.ops[0], Cursor)
    assert drawn.last


def test_a_pointer_alone_does_not_answer_for_a_region() -> None:
    client = shown_client()
    client.request_frame(ALL)
    assert not picture(client.receive(update(CURSOR)))[0].last
    assert picture(client.receive(update(raw())))[0].last


def test_an_update_under_way_does_not_answer_for_a_region() -> None:
    client = shown_client()
    client.request_frame(None)
    assert client.data_to_send() == CHANGES
    assert client.request_frame(ALL) == []
    assert client.data_to_send() == FULL
    assert picture(client.receive(update(fill(0, 0, 2, 2)))) == [
        PictureDrawn([Fill(0, 0, 2, 2, 16, 32, 48)], last=False)
    ]
    assert picture(client.receive(update(raw())))[0].last


def test_regions_asked_for_before_the_answer_add_up_and_are_clipped() -> None:
    client = shown_client()
    client.request_frame(Rect(1, 1, 2, 1))
    assert client.data_to_send() == pack(">BBHHHH", 3, 0, 1, 1, 2, 1)
    client.request_frame(Rect(4, 2, 100, 100))
    assert client.data_to_send() == pack(">BBHHHH", 3, 0, 1, 1, 7, 3)
    assert picture(client.receive(update(fill(1, 1, 7, 3))))[0].last


def test_a_region_outside_of_the_picture_is_the_whole_picture() -> None:
    client = shown_client()
    client.request_frame(Rect(100, 100, 5, 5))
    assert client.data_to_send() == FULL


def test_an_update_that_nobody_asked_for_waits() -> None:
    client = shown_client()
    assert client.receive(update(fill(0, 0, 8, 4, b"\0\0\xff")) + update(fill(0, 0, 1, 1))) == []
    assert not client.wants_bytes
    assert picture(client.request_frame(None)) == [PictureDrawn([BLUE], last=True)]
    assert not client.wants_bytes
    assert picture(client.request_frame(None)) == [PictureDrawn([Fill(0, 0, 1, 1, 16, 32, 48)], last=True)]
    assert client.wants_bytes
    assert client.data_to_send() == b""


def test_what_is_drawn_before_the_first_request_is_drawn_again_with_everything() -> None:
    client, _ = opened_client()
    for _ in range(3):
        assert (
            client.receive(update(raw(), CURSOR, rect(0, 0, 6, 6, Encoding.DESKTOP_SIZE), raw(0, 0, 6, 6)))
            == []
        )
        client.receive(update(rect(0, 0, 8, 4, Encoding.DESKTOP_SIZE)))
    assert client.wants_bytes
    (drawn,) = picture(client.request_frame(ALL))
    assert [type(op) for op in drawn.ops] == [Size, Cursor]
    assert drawn.ops[0] == Size(8, 4)
    assert client.data_to_send() == FULL


def test_an_update_that_waits_is_drawn_before_a_region() -> None:
    client = shown_client()
    client.receive(update(fill(0, 0, 8, 4, b"\0\0\xff")))
    assert picture(client.request_frame(ALL)) == [PictureDrawn([BLUE], last=False)]
    assert client.data_to_send() == FULL
    assert picture(client.receive(update(raw())))[0].last


def test_a_frame_asked_for_within_an_update_is_answered_by_it() -> None:
    client = shown_client()
    whole = update(fill(0, 0, 8, 2, b"\0\0\xff"), fill(0, 2, 8, 2, b"\0\0\xff"))
    client.receive(whole[:20])
    client.request_frame(None)
    assert client.data_to_send() == b""
    (drawn,) = picture(client.receive(whole[20:]))
    assert len(drawn.ops) == 2
    assert drawn.last


@pytest.mark.parametrize("resized", [rect(0, 0, 10, 6, Encoding.DESKTOP_SIZE), extended_desktop_size(10, 6)])
def test_a_new_size_is_followed_by_the_whole_picture(resized: bytes) -> None:
    client = shown_client()
    client.request_frame(None)
    client.data_to_send()
    assert picture(client.receive(update(fill(0, 0, 1, 1), resized))) == [
        PictureDrawn([Fill(0, 0, 1, 1, 16, 32, 48), Size(10, 6)], last=False)
    ]
    assert client.data_to_send() == pack(">BBHHHH", 3, 0, 0, 0, 10, 6)
    assert client.size == (10, 6)
    assert picture(client.receive(update(raw(0, 0, 10, 6))))[0].last


def test_a_size_that_did_not_change_changes_nothing() -> None:
    client = shown_client()
    client.request_frame(None)
    client.data_to_send()
    assert picture(client.receive(update(extended_desktop_size(8, 4)))) == []
    assert client.data_to_send() == CHANGES


def test_a_server_that_never_draws_what_was_asked_for_is_taken_at_its_word() -> None:
    client, _ = opened_client()
    client.request_frame(ALL)
    drawn = [
        event
        for side in range(MAX_UPDATES)
        for event in picture(client.receive(update(rect(0, 0, 10 + side, 6, Encoding.DESKTOP_SIZE))))
    ]
    assert [event.last for event in drawn] == [False] * (MAX_UPDATES - 1) + [True]


def test_a_server_that_draws_less_than_was_asked_for_and_falls_silent_is_taken_at_its_word() -> None:
    client = shown_client()
    client.request_frame(ALL)
    assert picture(client.settle()) == []  # it has not answered at all yet
    assert not picture(client.receive(update(fill(0, 0, 4, 4))))[0].last
    assert picture(client.settle()) == [PictureDrawn([], last=True)]
    assert picture(client.settle()) == []


UPDATES = st.sampled_from(
    [
        update(),
        update(raw()),
        update(fill(1, 1, 3, 2)),
        update(CURSOR),
        update(extended_desktop_size(8, 4)),
        update(fill(0, 0, 1, 1), CURSOR, pseudo(Encoding.LAST_RECT), count=65535),
        update(rect(0, 0, 9, 5, Encoding.DESKTOP_SIZE)),
        update(rect(0, 0, 8, 4, Encoding.DESKTOP_SIZE)),
    ]
)
REQUESTS = st.sampled_from([None, ALL, Rect(0, 0, 2, 2)])


@given(st.lists(st.one_of(UPDATES, REQUESTS), max_size=30))
@settings(max_examples=150, deadline=None)
def test_no_frame_is_drawn_unasked_and_each_ends_once(steps: list[bytes | Rect | None]) -> None:
    client, _ = opened_client()
    asked = False
    for step in steps:
        if isinstance(step, bytes):
            drawn = picture(client.receive(step)) if client.wants_bytes else []
        else:
            asked = True
            drawn = picture(client.request_frame(step))
        for event in drawn:
            assert asked
            asked = not event.last
