from __future__ import annotations

import tracemalloc
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.display.ops import Rect
from proxyd.rfb.encodings import Encoding
from proxyd.rfb.errors import RfbError
from proxyd.rfb.events import ClipboardArrived, Event, PictureDrawn, ResizeAnswered
from proxyd.rfb.options import Options
from proxyd.rfb.protocol import RfbClient
from tests.cuts import every_cut
from tests.fakes.rfb_server import (
    OPENING_38,
    cut_text,
    extended_desktop_size,
    fence,
    fill,
    new_client,
    opened_client,
    pseudo,
    raw,
    rect,
    update,
)

ALL = Rect(0, 0, 65535, 65535)
NAME = pseudo(Encoding.DESKTOP_NAME, pack(">I", 5) + "tëst".encode())
SESSION = (
    OPENING_38
    + update(extended_desktop_size(8, 4), pseudo(Encoding.QEMU_EXTENDED_KEY), NAME)
    + update(raw())
    + b"\x02"
    + cut_text(b"caf\xe9")
    + fence(0x80000007, b"abc")
    + update(fill(0, 0, 8, 4), pseudo(Encoding.LED_STATE, b"\x04"), pseudo(Encoding.LAST_RECT), count=65535)
    + b"\x96"
    + b"\x01\x00"
    + pack(">HHHHH", 0, 1, 1, 2, 3)
)


def events_of(pieces: list[bytes]) -> list[Event]:
    """What a client that always wants the next frame reports."""
    client = new_client()
    events = client.request_frame(ALL)
    for piece in pieces:
        for event in client.receive(piece):
            events.append(event)
            if isinstance(event, PictureDrawn) and event.last:
                events += client.request_frame(None)
    return events


def normal(events: list[Event]) -> list[object]:
    """Operations in order, and the other events; how drawing is cut into events does not matter."""
    drawn = [op for event in events if isinstance(event, PictureDrawn) for op in event.ops]
    frames = sum(isinstance(event, PictureDrawn) and event.last for event in events)
    # of names only the newest is told
    others = {type(event): event for event in events if not isinstance(event, PictureDrawn)}
    return [drawn, frames, others]


def test_a_session_is_the_same_however_it_is_cut() -> None:
    whole = events_of([SESSION])
    for pieces in every_cut(SESSION):
        assert normal(events_of(pieces)) == normal(whole)


def test_what_is_offered_follows_the_options() -> None:
    client = new_client(Options(encodings=(Encoding.ZRLE, Encoding.RAW), compression=3, local_cursor=False))
    client.ask_quality(7)
    client.receive(OPENING_38)
    sent = client.data_to_send()
    start = sent.index(b"\x02\x00", 12 + 1 + 1 + 20)
    count = int.from_bytes(sent[start + 2 : start + 4])
    offered = [int.from_bytes(sent[start + 4 + 4 * i : start + 8 + 4 * i], signed=True) for i in range(count)]
    assert offered[:4] == [16, 0, -25, -253]
    assert Encoding.CURSOR not in offered
    assert Encoding.EXTENDED_CLIPBOARD in offered
    assert Encoding.CONTINUOUS_UPDATES not in offered


@pytest.mark.parametrize("options", [Options(lossless=True), Options(swap_red_blue=True)])
def test_no_jpeg_is_asked_for_where_pixels_must_stay_as_they_are(options: Options) -> None:
    client = new_client(options)
    client.ask_quality(7)
    client.receive(OPENING_38)
    assert pack(">i", -25) not in client.data_to_send()


def test_quality_can_be_asked_for_again() -> None:
    client, _ = opened_client()
    client.ask_quality(2)
    sent = client.data_to_send()
    assert sent[0] == 2
    assert pack(">i", -30) in sent
    client.ask_quality(2)
    assert client.data_to_send() == b""


def test_fences_are_answered_with_the_flags_we_know() -> None:
    client, _ = opened_client()
    client.receive(fence(0xFFFFFFFF, b"payload"))
    assert client.data_to_send() == fence(7, b"payload")
    client.ping()
    assert client.pings_unanswered == 1
    assert client.data_to_send() == fence(0x80000001, b"ping")
    client.receive(fence(1, b"ping"))
    assert client.pings_unanswered == 0
    assert client.data_to_send() == b""


def test_servers_without_fences_are_not_pinged() -> None:
    client, _ = opened_client()
    client.ping()
    assert client.data_to_send() == b""


def test_nothing_is_sent_before_the_session_is_open() -> None:
    client = new_client()
    client.key(0x61, True)
    client.pointer(1, 1, 1)
    client.paste("text")
    client.resize(10, 10)
    assert client.data_to_send() == b""


def test_the_pointer_stays_inside() -> None:
    client, _ = opened_client()
    client.pointer(100, -5, 0x41)
    assert client.data_to_send() == b"\x05\x41\x00\x07\x00\x00"


def test_more_buttons_are_sent_where_they_are_agreed() -> None:
    client, _ = opened_client()
    client.pointer(1, 2, 0x81)
    assert client.data_to_send() == b"\x05\x81\x00\x01\x00\x02"
    client.receive(update(pseudo(Encoding.EXTENDED_MOUSE_BUTTONS)))
    client.pointer(1, 2, 0x181)
    client.pointer(1, 2, 0x01)
    assert client.data_to_send() == b"\x05\x81\x00\x01\x00\x02\x03" + b"\x05\x01\x00\x01\x00\x02"


def test_a_size_is_asked_for_with_the_screens_own_id_and_flags() -> None:
    client, _ = opened_client()
    client.resize(20, 10)
    assert not client.can_resize
    assert client.data_to_send() == b""
    client.receive(update(extended_desktop_size(8, 4)))
    client.resize(20, 10)
    assert client.data_to_send() == pack(">BxHHBxIHHHHI", 251, 20, 10, 1, 7, 0, 0, 20, 10, 9)
    assert client.receive(update(extended_desktop_size(20, 10, reason=1, status=3))) == [ResizeAnswered(3)]
    assert client.size == (8, 4)
    client.receive(update(extended_desktop_size(20, 10, reason=1)))
    assert client.size == (20, 10)


def test_of_many_clipboards_and_names_at_once_the_newest_is_told() -> None:
    client, _ = opened_client()
    events = client.receive(b"".join(cut_text(b"%d" % number) for number in range(500)) + b"\x02" * 500)
    assert events == [ClipboardArrived("499", truncated=False)]


def test_a_flood_is_read_in_turns() -> None:
    client, _ = opened_client()
    client.receive(b"\x02" * 20000)
    assert client.busy
    assert not client.wants_bytes
    turns = 0
    while client.busy:
        client.receive(b"")
        turns += 1
    assert turns > 2
    assert client.wants_bytes


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (b"\x63", "unknown type 99"),
        (update(rect(0, 0, 1, 1, 1234)), "unknown encoding 1234"),
        (update(raw(4, 0, 8, 4)), "outside of its screen"),
        (update(rect(65535, 65535, 65535, 65535, 0)), "outside of its screen"),
        (update(rect(0, 0, 65535, 65535, Encoding.DESKTOP_SIZE)), "beyond the limit"),
        (update(*[fill(0, 0, 8, 4)] * 5), "over and over"),
        (update(pseudo(Encoding.DESKTOP_NAME, pack(">I", 2**31))), "name of"),
        (update(extended_desktop_size(8, 4, screens=[(0, 0, 0, 1, 1, 0)] * 65)), "65 screens"),
        (pack(">Bxxxi", 3, 2**31 - 1), "clipboard of"),
        (pack(">Bxxxi", 3, -(2**31)), "clipboard of"),
        (fence(0, bytes(65)), "fence of"),
        (b"\x01\x00" + pack(">HHHHHHHH", 65535, 2, 1, 1, 1, 1, 1, 1), "colour map"),
        (update(rect(0, 0, 600, 600, Encoding.CURSOR)), "pointer of"),
    ],
)
def test_what_breaks_the_protocol_ends_the_session(message: bytes, sentence: str) -> None:
    client, _ = opened_client()
    client.request_frame(ALL)
    with pytest.raises(RfbError, match=sentence):
        client.receive(message)
    with pytest.raises(RfbError, match=sentence):  # and it stays ended
        client.receive(b"")


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(
            [pack(">Bxxxi", 3, 60_000_000), *[bytes(65536)] * 400], id="a clipboard far beyond the limit"
        ),
        pytest.param([cut_text(bytes(60000))] * 200, id="many clipboards"),
        pytest.param([update(fill(0, 0, 8, 4)) * 3000] * 100, id="pictures that nobody asked for"),
        pytest.param([b"\x02" * 20000], id="bells"),
        pytest.param([fence(0x80000000, bytes(64)) * 900] * 3, id="fences"),
    ],
)
def test_floods_take_no_memory(flood: list[bytes]) -> None:
    client, _ = opened_client()
    client.request_frame(ALL)
    client.receive(update(raw()))
    tracemalloc.start()
    try:
        for piece in flood:
            client.receive(piece)
            while client.busy:
                client.receive(b"")
            client.data_to_send()
            if not client.wants_bytes:
                break
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def drive(client: RfbClient, data: bytes) -> None:
    """Feed as a shell does: answering questions, asking for frames, never more than is wanted."""
    client.request_frame(ALL)
    for start in range(0, len(data), 700):
        events = client.receive(data[start : start + 700])
        while client.busy:
            events += client.receive(b"")
        for event in events:
            if isinstance(event, PictureDrawn) and event.last:
                client.request_frame(None)
        if not client.wants_bytes:
            return


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_raise_nothing_but_the_one_error(data: bytes) -> None:
    for opening in (b"", b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.008\n", OPENING_38):
        try:
            drive(new_client(username="u", password="p"), opening + data)
        except RfbError:
            continue


@given(
    st.lists(
        st.builds(
            rect,
            st.integers(0, 9),
            st.integers(0, 5),
            st.integers(0, 9),
            st.integers(0, 5),
            st.sampled_from(list(Encoding)),
            st.binary(max_size=60),
        ),
        min_size=1,
        max_size=6,
    ),
    st.binary(max_size=20),
)
@settings(max_examples=300, deadline=None)
def test_any_rectangles_raise_nothing_but_the_one_error(rects: list[bytes], rest: bytes) -> None:
    try:
        drive(new_client(), OPENING_38 + update(*rects) + rest)
    except RfbError:
        return


@given(st.sampled_from([2, 5, 6, 16, 19, 30, 33, 129, 130]), st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_security_dialogue_raises_nothing_but_the_one_error(number: int, data: bytes) -> None:
    try:
        drive(new_client(username="u", password="p"), b"RFB 003.008\n\x01" + bytes([number]) + data)
    except RfbError:
        return


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_broken_session_raises_nothing_but_the_one_error(data: st.DataObject) -> None:
    broken = bytearray(SESSION)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        drive(new_client(), bytes(broken))
    except RfbError:
        return
