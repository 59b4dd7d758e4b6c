"""The VNC instance without a network: the far end is in memory, time jumps."""

from __future__ import annotations

import asyncio
from io import BytesIO
from struct import pack
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from proxyd.display.ops import Cursor, Fill, Rect, Size
from proxyd.instances.parameters import WAYS, Arguments
from proxyd.instances.vnc import MAX_PASSWORDS, VncInstance
from proxyd.instances.vnc_connection import CONGESTED, MAX_UNSENT
from proxyd.rfb.encodings import Encoding, quality
from proxyd.rfb.quality import CALM
from proxyd.transport import RefusedError
from proxyd.wire.status import Hop, Status, StatusError
from tests.fakes.desk import FakeDesk
from tests.fakes.rfb_server import (
    OPENING_38,
    MemoryVnc,
    cut_text,
    extended_desktop_size,
    fence,
    fill,
    pseudo,
    raw,
    rect,
    server_init,
    update,
)
from tests.virtual_time import run_virtually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CHALLENGE = b"RFB 003.008\n\x01\x02" + bytes(range(16))
OK, FAILED = pack(">I", 0), pack(">I", 1)
ANSWER = bytes.fromhex("62a9ec29328f3e9bc04b3976f75eb93d")
CHANGES = pack(">BBHHHH", 3, 1, 0, 0, 8, 4)
FULL = pack(">BBHHHH", 3, 0, 0, 0, 8, 4)
TURNS = 20


class Stage:
    """A desk, an instance that runs, and the server in memory."""

    def __init__(
        self, server: MemoryVnc, desk: FakeDesk, instance: VncInstance, task: asyncio.Task[None]
    ) -> None:
        self.server = server
        self.desk = desk
        self.instance = instance
        self.task = task

    async def settle(self) -> None:
        """Let everything that is ready happen."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def say(self, *data: bytes) -> None:
        for piece in data:
            self.server.say(piece)
            await self.settle()

    def heard(self) -> bytes:
        """What the server heard since the last call."""
        data = bytes(self.server.heard)
        self.server.heard.clear()
        return data

    async def failure(self, seconds: float = 120.0) -> StatusError:
        """How the instance ended."""
        await asyncio.wait([self.task], timeout=seconds)
        assert self.task.done(), "the instance runs on"
        error = self.task.exception()
        assert isinstance(error, StatusError)
        return error


def play(
    story: Callable[[Stage], Awaitable[None]], *, opening: bytes = OPENING_38, answers: dict[str, str] | None = None,
    refusals: list[Exception] | None = None, pulling: bool = True, **given: str,
) -> None:  # fmt: skip
    """Run a story in virtual time; parameters have underscores for hyphens."""

    async def run() -> None:
        server = MemoryVnc(opening)
        server.refusals = refusals or []
        desk = FakeDesk(8, 4, transport=server)
        desk.answers = answers or {}
        desk.pulling = pulling
        parameters = {name.replace("_", "-"): value for name, value in given.items()}
        instance = VncInstance(
            Arguments(VncInstance.PARAMETERS, {"hostname": "desk.example", **parameters}), desk
        )
        async with desk.running(instance) as task:
            stage = Stage(server, desk, instance, task)
            await stage.settle()
            await story(stage)

    run_virtually(run())


# -- pictures ----------------------------------------------------------------------------------------------------------


def test_one_request_brings_one_frame() -> None:
    async def story(stage: Stage) -> None:
        assert stage.heard().endswith(FULL)
        await stage.say(update(raw()))
        assert stage.desk.frames == [[Size(8, 4), Fill(0, 0, 8, 4, 16, 32, 48)]]
        assert stage.heard() == b""
        stage.desk.request()
        assert stage.heard() == CHANGES
        await stage.say(update(fill(1, 1, 1, 1)))
        assert stage.desk.frames[1] == [Fill(1, 1, 1, 1, 16, 32, 48)]

    play(story, pulling=False)


def test_what_nobody_asked_for_stops_the_reading() -> None:
    async def story(stage: Stage) -> None:
        await stage.say(update(raw()), update(fill(1, 1, 1, 1)))
        assert len(stage.desk.frames) == 1
        assert not stage.server.reading
        stage.desk.request()
        assert len(stage.desk.frames) == 2
        assert stage.server.reading

    play(story, pulling=False)


def test_a_flood_leaves_turns_to_others() -> None:
    async def story(stage: Stage) -> None:
        stage.server.say(b"\x02" * 6000 + cut_text(b"after the flood"))
        assert not stage.server.reading
        await stage.settle()
        assert stage.server.reading
        assert stage.desk.clipboards == ["after the flood"]

    play(story)


def test_a_region_at_rest_is_drawn_exactly_once() -> None:
    async def story(stage: Stage) -> None:
        made = BytesIO()
        Image.new("RGB", (8, 4), "red").save(made, "JPEG")
        data = made.getvalue()
        length = bytes([len(data) & 0x7F | 0x80, len(data) >> 7])
        await stage.say(update(rect(0, 0, 8, 4, Encoding.TIGHT, b"\x90" + length + data)))
        assert CHANGES in stage.heard()
        await asyncio.sleep(1.0)
        asked = stage.heard()
        assert asked.endswith(FULL)
        assert asked[0] == 2  # SetEncodings without a quality
        assert pack(">i", quality(CALM)) not in asked
        await stage.say(update(raw()))
        assert pack(">i", quality(CALM)) in stage.heard()
        await asyncio.sleep(10)
        assert FULL not in stage.heard()

    play(story)


def test_a_person_chooses_the_quality() -> None:
    async def story(stage: Stage) -> None:
        await stage.say(update(raw()))
        assert stage.desk.arguments["quality-level"] == ""
        stage.heard()
        stage.instance.change("quality-level", "9")
        assert pack(">i", quality(9)) in stage.heard()
        assert stage.desk.arguments["quality-level"] == "9"
        for nonsense in ("10", "-1", "best"):
            stage.instance.change("quality-level", nonsense)
        assert stage.heard() == b""
        stage.instance.change("quality-level", "")
        assert pack(">i", quality(9)) not in stage.heard()
        assert stage.desk.arguments["quality-level"] == ""

    play(story)


@pytest.mark.parametrize("given", [{"quality_level": "4"}, {"force_lossless": "true"}])
def test_what_the_connection_says_of_quality_stays(given: dict[str, str]) -> None:
    async def story(stage: Stage) -> None:
        await stage.say(update(raw()))
        stage.heard()
        stage.instance.change("quality-level", "9")
        assert stage.heard() == b""
        assert "quality-level" not in stage.desk.arguments

    play(story, **given)


def test_a_server_that_draws_less_than_was_asked_for_does_not_freeze_the_session() -> None:
    async def story(stage: Stage) -> None:
        await stage.say(update(fill(0, 0, 4, 4)))
        assert stage.desk.frames == []
        await asyncio.sleep(15)
        assert len(stage.desk.frames) == 1
        await stage.say(update(fill(4, 0, 4, 4)))
        assert len(stage.desk.frames) == 2

    play(story)


def test_lossless_never_asks_for_jpeg() -> None:
    async def story(stage: Stage) -> None:
        sent = stage.heard()
        assert not any(pack(">i", number) in sent for number in range(-32, -22))

    play(story, force_lossless="true")


def test_the_pointer_that_the_server_paints_gets_a_dot() -> None:
    async def story(stage: Stage) -> None:
        assert pack(">i", Encoding.CURSOR) not in stage.heard()
        await stage.say(update(raw()))
        assert isinstance(stage.desk.frames[0][0], Cursor)

    play(story, cursor="remote")


# -- signing in --------------------------------------------------------------------------------------------------------


def test_a_password_is_asked_for_until_it_fits() -> None:
    async def story(stage: Stage) -> None:
        assert stage.heard().endswith(bytes(16)) is False
        stage.desk.answers = {"password": "display"}
        await stage.say(FAILED + pack(">I", 0))
        assert len(stage.server.protocols) == 2
        assert stage.heard().endswith(ANSWER)
        await stage.say(OK + server_init())
        assert stage.heard().endswith(FULL)

    play(story, opening=CHALLENGE, answers={"password": "wrong"})


def test_nobody_guesses_for_ever() -> None:
    async def story(stage: Stage) -> None:
        for _ in range(MAX_PASSWORDS):
            await stage.say(FAILED + pack(">I", 0))
        error = await stage.failure()
        assert len(stage.server.protocols) == MAX_PASSWORDS
        assert error.status is Status.CLIENT_UNAUTHORIZED

    play(story, opening=CHALLENGE, answers={"password": "wrong"})


def test_a_wrong_password_of_the_link_is_final() -> None:
    async def story(stage: Stage) -> None:
        await stage.say(FAILED + pack(">I", 4) + b"no!!")
        error = await stage.failure()
        assert error.message == "The desktop did not accept the password: no!!."
        assert error.hop is Hop.DESKTOP
        assert len(stage.server.protocols) == 1

    play(story, opening=CHALLENGE, password="wrong", autoretry="5")


def test_a_server_that_does_not_wait_for_the_person_is_called_again() -> None:
    async def story(stage: Stage) -> None:
        assert stage.heard().endswith(ANSWER)
        assert len(stage.server.protocols) == 2

    async def run() -> None:
        server = MemoryVnc(CHALLENGE)
        desk = FakeDesk(8, 4, transport=server)

        async def ask(names: object) -> dict[str, str]:
            await asyncio.sleep(60)
            server.hang_up()
            await asyncio.sleep(60)
            return {"password": "display"}

        desk.ask = ask  # type: ignore[method-assign]
        instance = VncInstance(Arguments(VncInstance.PARAMETERS, {"hostname": "h"}), desk)
        async with desk.running(instance) as task:
            await asyncio.sleep(130)
            await story(Stage(server, desk, instance, task))

    run_virtually(run())


# -- endings -----------------------------------------------------------------------------------------------------------


def test_a_closed_port_is_the_desktops_fault_and_retried_as_often_as_asked() -> None:
    async def story(stage: Stage) -> None:
        error = await stage.failure()
        assert error.hop is Hop.DESKTOP
        assert error.message == "Nothing listens on port 5900 of desk.example."
        assert stage.server.refusals == []

    play(story, refusals=[RefusedError("desk.example", 5900)] * 3, autoretry="2")


def test_a_server_that_comes_up_in_time_is_found() -> None:
    async def story(stage: Stage) -> None:
        await asyncio.sleep(5)
        assert stage.heard().endswith(FULL)

    play(story, refusals=[RefusedError("desk.example", 5900)] * 3, autoretry="5")


def test_a_server_that_hangs_up_ends_the_session() -> None:
    async def story(stage: Stage) -> None:
        await stage.say(update(raw()))
        stage.server.hang_up()
        error = await stage.failure()
        assert (error.status, error.hop) == (Status.UPSTREAM_ERROR, Hop.DESKTOP)

    play(story, autoretry="5")


@pytest.mark.parametrize(
    ("opening", "said", "sentence", "seconds"),
    [
        (b"", b"", "did not finish its greeting", 25),
        (b"RFB 003.008\n\x01", b"", "did not finish its greeting", 25),
        (OPENING_38, b"\x00\x00\x00\x01", "in the middle of a picture", 40),
        (OPENING_38, fence(0, b""), "does not answer any more", 75),
    ],
)
def test_a_server_that_stalls_is_given_up(opening: bytes, said: bytes, sentence: str, seconds: float) -> None:
    async def story(stage: Stage) -> None:
        await stage.say(said)
        error = await stage.failure(seconds)
        assert sentence in error.message
        assert error.status is Status.UPSTREAM_TIMEOUT

    play(story, opening=opening)


def test_a_quiet_server_is_fine() -> None:
    async def story(stage: Stage) -> None:
        await stage.say(update(raw()))
        await asyncio.sleep(3600)
        assert not stage.task.done()

    play(story)


def test_a_quiet_server_that_answers_pings_is_fine() -> None:
    async def story(stage: Stage) -> None:
        await stage.say(update(raw()), fence(0, b""))
        stage.heard()
        for _ in range(10):
            await asyncio.sleep(40)
            assert fence(0x80000001, b"ping") in stage.heard()
            await stage.say(fence(1, b"ping"))
        assert not stage.task.done()

    play(story)


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_keys_are_let_go_when_the_session_ends(end: str) -> None:
    async def story(stage: Stage) -> None:
        stage.instance.key(0xFFE3, True)
        stage.heard()
        stage.task.cancel()
        await asyncio.wait([stage.task])
        assert stage.heard() == pack(">BBxxI", 4, 0, 0xFFE3)
        assert stage.server.closed

    play(story)


# -- input -------------------------------------------------------------------------------------------------------------


def test_a_person_who_types_is_not_kept_waiting() -> None:
    async def story(stage: Stage) -> None:
        stage.heard()
        stage.instance.key(0x61, True)
        stage.instance.key(0x61, False)
        assert stage.heard() == pack(">BBxxI", 4, 1, 0x61) + pack(">BBxxI", 4, 0, 0x61)
        assert stage.desk.hurried == 1

    play(story)


def test_a_person_who_clicks_is_not_kept_waiting() -> None:
    async def story(stage: Stage) -> None:
        for buttons in (0, 1, 1, 0, 4):
            stage.instance.pointer(1, 1, buttons)
        assert stage.desk.hurried == 2

    play(story)


def test_motion_is_merged_while_the_server_is_slow_but_clicks_are_not() -> None:
    async def story(stage: Stage) -> None:
        stage.heard()
        protocol = stage.server.protocols[0]
        protocol.pause_writing()
        for x in range(5):
            stage.instance.pointer(x, 0, 0)
        assert stage.heard() == b""
        stage.instance.pointer(5, 0, 1)
        stage.instance.pointer(6, 0, 1)
        stage.instance.pointer(7, 0, 1)
        stage.instance.key(0x61, True)
        events = stage.heard()
        assert events == b"\x05\x00\x00\x04\x00\x00\x05\x01\x00\x05\x00\x00\x05\x01\x00\x07\x00\x00" + pack(
            ">BBxxI", 4, 1, 0x61
        )
        stage.instance.pointer(2, 1, 1)
        protocol.resume_writing()
        assert stage.heard() == b"\x05\x01\x00\x02\x00\x01"

    assert CONGESTED < MAX_UNSENT
    play(story)


def test_a_server_that_takes_no_input_is_given_up() -> None:
    async def story(stage: Stage) -> None:
        stage.server.congestion = MAX_UNSENT + 1
        stage.instance.key(0x61, True)
        error = await stage.failure()
        assert "does not take input" in error.message

    play(story)


def test_nothing_can_be_done_where_only_looking_is_allowed() -> None:
    async def story(stage: Stage) -> None:
        await stage.say(update(raw(), extended_desktop_size(8, 4)))
        stage.heard()
        stage.instance.key(0x61, True)
        stage.instance.pointer(1, 1, 1)
        stage.instance.paste("text")
        stage.instance.resize(100, 100)
        await asyncio.sleep(1)
        await stage.say(cut_text(b"secret"))
        assert stage.heard() == b""
        assert stage.desk.clipboards == []
        assert stage.desk.hurried == 0

    play(story, read_only="true")


@pytest.mark.parametrize(
    ("parameter", "copied", "pasted"),
    [("disable_copy", 0, 1), ("disable_paste", 1, 0), ("swap_red_blue", 1, 1)],
)
def test_the_clipboard_can_be_a_one_way_street(parameter: str, copied: int, pasted: int) -> None:
    async def story(stage: Stage) -> None:
        stage.heard()
        await stage.say(cut_text(b"copied"))
        stage.instance.paste("pasted")
        assert len(stage.desk.clipboards) == copied
        assert stage.heard().count(b"pasted") == pasted

    play(story, **{parameter: "true"})


def test_a_flood_of_clipboards_is_thinned_out_and_the_last_one_arrives() -> None:
    async def story(stage: Stage) -> None:
        for number in range(100):
            stage.server.say(cut_text(b"%d" % number))
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        assert len(stage.desk.clipboards) < 15
        assert stage.desk.clipboards[-1] == "99"

    play(story)


# -- size --------------------------------------------------------------------------------------------------------------

SIZED = update(extended_desktop_size(8, 4), raw())


def sizes(data: bytes) -> list[tuple[int, int]]:
    """The sizes asked for, of SetDesktopSize messages alone among known others."""
    found = []
    at = data.find(b"\xfb\x00")
    while at >= 0:
        found.append((int.from_bytes(data[at + 2 : at + 4]), int.from_bytes(data[at + 4 : at + 6])))
        at = data.find(b"\xfb\x00", at + 24)
    return found


def test_the_desktop_follows_the_window_once_it_has_settled() -> None:
    async def story(stage: Stage) -> None:
        await stage.say(SIZED)
        assert sizes(stage.heard()) == []  # it has the size already
        for width in range(100, 200, 10):
            stage.instance.resize(width, 50)
            await asyncio.sleep(0.05)
        assert sizes(stage.heard()) == []
        await asyncio.sleep(1)
        assert sizes(stage.heard()) == [(190, 50)]
        await stage.say(update(extended_desktop_size(190, 50, reason=1)), update(raw(0, 0, 190, 50)))
        await asyncio.sleep(5)
        assert sizes(stage.heard()) == []
        assert Size(190, 50) in [op for frame in stage.desk.frames for op in frame]

    play(story)


@pytest.mark.parametrize(
    "answer",
    [
        update(extended_desktop_size(8, 4, reason=1, status=1)),
        update(extended_desktop_size(60, 40, reason=1)),
        update(extended_desktop_size(60, 40, reason=0)),
        update(),
    ],
)
def test_a_server_with_other_ideas_is_not_fought(answer: bytes) -> None:
    async def story(stage: Stage) -> None:
        await stage.say(SIZED)
        stage.instance.resize(100, 50)
        await asyncio.sleep(1)
        assert sizes(stage.heard()) == [(100, 50)]
        for _ in range(5):
            await stage.say(answer, update(raw()))
            await asyncio.sleep(1)
        assert sizes(stage.heard()) == []

    play(story)


@pytest.mark.parametrize(
    ("opening_size", "parameters"), [(update(raw()), {}), (SIZED, {"disable_display_resize": "true"})]
)
def test_nothing_is_asked_of_servers_that_cannot_or_must_not(
    opening_size: bytes, parameters: dict[str, str]
) -> None:
    async def story(stage: Stage) -> None:
        await stage.say(opening_size)
        stage.instance.resize(100, 50)
        await asyncio.sleep(1)
        assert sizes(stage.heard()) == []

    play(story, **parameters)


# -- parameters --------------------------------------------------------------------------------------------------------


def test_the_parameters_are_guacds_in_its_order_and_then_ours() -> None:
    names = [parameter.name for parameter in VncInstance.PARAMETERS]
    assert len(names) == len(set(names))
    assert names[:8] == [
        "hostname",
        "port",
        "read-only",
        "disable-display-resize",
        "encodings",
        "username",
        "password",
        "swap-red-blue",
    ]
    assert names[52] == "quality-level"
    assert names[53:56] == ["vnc-authority", "vnc-fingerprint", "vnc-allow-weak-sign-in"]
    assert names[56:] == [
        "sftp-host-key-alias",
        *(row.name for row in WAYS),
        "detach-timeout",
        "session-owner",
    ]
    secrets = {parameter.name for parameter in VncInstance.PARAMETERS if parameter.secret}
    assert secrets == {
        "password", "sftp-password", "sftp-private-key", "sftp-passphrase", "jump-hosts", "session-owner",
    }  # fmt: skip


def test_a_repeater_is_told_the_destination() -> None:
    async def story(stage: Stage) -> None:
        assert stage.heard().startswith(b"inner:5901" + bytes(240))

    play(story, opening=b"RFB 000.000\n" + OPENING_38, dest_host="inner", dest_port="5901")


def test_the_name_becomes_the_title() -> None:
    async def story(stage: Stage) -> None:
        assert stage.desk.titles == ["desk"]
        await stage.say(update(pseudo(Encoding.DESKTOP_NAME, pack(">I", 5) + b"other")))
        assert stage.desk.titles == ["desk", "other"]

    play(story)


def test_a_joiners_wish_is_answered_in_full() -> None:
    async def story(stage: Stage) -> None:
        await stage.say(update(raw()))
        stage.heard()
        stage.desk.request(Rect(0, 0, 65535, 65535))
        assert stage.heard() == FULL

    play(story)
