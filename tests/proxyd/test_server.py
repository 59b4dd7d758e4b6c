"""Connections from handshake to end, in one process, with instances that are no servers."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from proxyd import server as server_module
from proxyd.server import Server
from proxyd.settings import Settings
from proxyd.wire.instruction import Instruction
from proxyd.wire.status import EVIDENCE, Status
from tests.fakes.browser import Browser
from tests.fakes.instances import Asking, Broken, Changed, Gated, Painting, Refusing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

INSTANCES = {
    "ssh": Painting,
    "asking": Asking,
    "gated": Gated,
    "refusing": Refusing,
    "changed": Changed,
    "broken": Broken,
}


class Daemon:
    def __init__(self, server: Server, address: tuple[str, int]) -> None:
        self.server = server
        self.address = address

    async def browser(self) -> Browser:
        return await Browser.connect(self.address)


@contextlib.asynccontextmanager
async def running(**settings: object) -> AsyncIterator[Daemon]:
    Painting.built.clear()
    with ThreadPoolExecutor(1) as pool:
        server = Server(Settings(**settings), pool, INSTANCES)
        listener = await asyncio.start_server(
            lambda reader, writer: server.serve(reader, writer, f"${uuid.uuid4()}"), "127.0.0.1"
        )
        try:
            yield Daemon(server, listener.sockets[0].getsockname())
        finally:
            listener.close()
            await server.close()
            await listener.wait_closed()


async def gone(daemon: Daemon) -> None:
    async with asyncio.timeout(5):
        while len(daemon.server.registry):
            await asyncio.sleep(0.01)


async def called(instance: Painting, *call: object) -> None:
    async with asyncio.timeout(5):
        while call not in instance.calls:
            await asyncio.sleep(0.01)


def failure(browser: Browser) -> tuple[str, Status]:
    """Text and status of the `error` that the browser was told, and that `disconnect` followed."""
    assert browser.received[-1].opcode == "disconnect"
    error = browser.received[-2]
    assert error.opcode == "error"
    return error.args[0], Status.from_code(int(error.args[1]))


async def test_a_session_from_select_to_disconnect() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("ssh", {"hostname": "10.1.2.3"})
        assert browser.connection_id.startswith("$")
        assert (await browser.until("name")).args == ("painting",)
        await browser.until("sync")
        [instance] = Painting.built
        assert instance.arguments.text("hostname") == "10.1.2.3"
        assert instance.arguments.number("port") == 22
        browser.send("key", 0x61, 1)
        await browser.until("rect")
        await browser.until("sync")
        browser.send("disconnect")
        assert [i.opcode for i in await browser.end()][-1] == "disconnect"
        await gone(daemon)
        assert instance.cleaned_up


async def test_input_reaches_the_instance() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("ssh")
        [instance] = Painting.built
        browser.send("mouse", 10, 20, 5)
        browser.send("mouse", "-3", "7.5", 0)
        browser.send("size", "800.5", 600)
        browser.send("key", 65293, 0)
        browser.send_stream(("clipboard", 0, "text/plain"), "grüße 😀" * 2000)
        browser.send_stream(("argv", 0, "text/plain", "color-scheme"), "white-black")
        await called(instance, "change", "color-scheme", "white-black")
        assert instance.calls == [
            ("pointer", 10, 20, 5),
            ("pointer", 0, 7, 0),
            ("resize", 800, 600),
            ("key", 65293, False),
            ("paste", "grüße 😀" * 2000),
            ("change", "color-scheme", "white-black"),
        ]


async def test_clipboard_and_arguments_reach_every_viewer() -> None:
    async with running() as daemon, await daemon.browser() as owner, await daemon.browser() as joiner:
        await owner.open("ssh")
        assert await owner.text_stream("argv") == "gray-black"
        await joiner.open(owner.connection_id)
        assert (await joiner.until("name")).args == ("painting",)
        assert await joiner.text_stream("argv") == "gray-black"
        await joiner.until("sync")
        Painting.built[0].desk.clipboard("copied 😀" * 1000)
        assert await owner.text_stream("clipboard") == "copied 😀" * 1000
        assert await joiner.text_stream("clipboard") == "copied 😀" * 1000


async def test_text_beyond_the_limit_is_cut_and_people_are_told() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("ssh")
        browser.send_stream(("clipboard", 0, "text/plain"), "x" * 300_000)
        assert (await browser.until("msg")).args == (str(0x4000), "clipboard-cut")
        assert Painting.built[0].calls == [("paste", "x" * 262_144)]


async def test_a_joiner_sees_and_the_owner_is_told_and_the_last_one_ends_it() -> None:
    async with running() as daemon, await daemon.browser() as owner, await daemon.browser() as joiner:
        await owner.open("ssh")
        await owner.until("sync")
        await joiner.open(owner.connection_id, {"read-only": "true"}, name="bob")
        assert joiner.connection_id == owner.connection_id
        assert (await owner.until("msg")).args[::2] == ("1", "bob")
        await joiner.until("rect")
        await joiner.until("sync")
        owner.send("mouse", 3, 4, 0)
        assert (await joiner.until("mouse")).args == ("3", "4")
        await owner.close()
        joiner.send("nop")
        await asyncio.sleep(0.05)
        assert len(daemon.server.registry) == 1
        await joiner.close()
        await gone(daemon)


async def test_a_reader_cannot_touch() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("ssh", {"read-only": "true"})
        await browser.until("sync")
        for said in [("key", 97, 1), ("mouse", 1, 1, 1), ("size", 10, 10)]:
            browser.send(*said)
        browser.send("clipboard", 0, "text/plain")
        assert (await browser.until("ack")).args == ("0", "Clipboard unsupported", "256")
        assert Painting.built[0].calls == []


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (("pipe", 0, "text/plain", "other"), ("0", "No such input stream.", "516")),
        (("audio", 1, "audio/L16"), ("1", "Audio input unsupported", "256")),
        (("argv", 2, "text/plain", "hostname"), ("2", "Not allowed.", "771")),
        (("blob", 3, "YQ=="), ("3", "Invalid stream index", "768")),
        (("end", 3), ("3", "Invalid stream index", "768")),
    ],
    ids=str,
)
async def test_streams_nobody_serves_are_refused(said: tuple[str, ...], answer: tuple[str, ...]) -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("ssh")
        browser.send(*said)
        assert (await browser.until("ack")).args == answer


async def test_unknown_opcodes_are_ignored_and_late_echoes_too() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("ssh")
        await browser.until("sync")
        browser.send("", "ping", "1")
        browser.send("hologram", "1")
        browser.send("sync", "1")
        browser.send("key", 97, 1)
        await browser.until("rect")


@pytest.mark.parametrize(
    "said",
    [
        ("key",),
        ("mouse", "1"),
        ("mouse", "x", 1, 1),
        ("key", "x", 1),
        ("sync", "99999999999999"),
        ("sync", "x"),
        ("size", 1),
        ("blob", 600, ""),
    ],
    ids=str,
)
async def test_nonsense_ends_that_viewer_only(said: tuple[str, ...]) -> None:
    async with running() as daemon, await daemon.browser() as victim, await daemon.browser() as browser:
        await victim.open("ssh")
        await browser.open("ssh")
        browser.send(*said)
        await browser.end()
        assert failure(browser)[1] is Status.CLIENT_BAD_REQUEST
        victim.send("key", 97, 1)
        await victim.until("rect")


async def test_broken_bytes_in_session_end_that_viewer() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("ssh")
        browser.send_raw(b"not an instruction")
        await browser.end()
        assert failure(browser)[1] is Status.CLIENT_BAD_REQUEST
        await gone(daemon)


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (b"6.select,3.rdp;", Status.UNSUPPORTED),
        (b"6.select,37.$00000000-0000-0000-0000-000000000000;", Status.RESOURCE_NOT_FOUND),
        (b"6.select;", Status.CLIENT_BAD_REQUEST),
        (b"6.select,3.ssh,1.x;", Status.CLIENT_BAD_REQUEST),
        (b"4.size,1.1,1.1;", Status.CLIENT_BAD_REQUEST),
        (b"\xff\xfe", Status.CLIENT_BAD_REQUEST),
        (b"6.select,3.ssh;4.size,1.0,1.0;", Status.CLIENT_BAD_REQUEST),
        (b"6.select,3.ssh;4.size,7.9999999,1.9;", Status.CLIENT_BAD_REQUEST),
        (b"6.select,3.ssh;4.size,3.640,3.480,6.100000;", Status.CLIENT_BAD_REQUEST),
        (b"6.select,3.ssh;7.connect,13.VERSION_1_5_0;", Status.CLIENT_BAD_REQUEST),
        (b"6.select,3.ssh;7.connect,0.,0.,5.70000,0.,0.,0.;", Status.CLIENT_BAD_REQUEST),
        (b"6.select,3.ssh;9999.", Status.CLIENT_BAD_REQUEST),
    ],
    ids=str,
)
async def test_a_bad_handshake_gets_its_status_and_a_closed_connection(wire: bytes, status: Status) -> None:
    async with running() as daemon, await daemon.browser() as browser:
        browser.send_raw(wire)
        await browser.end()
        assert failure(browser)[1] is status
        assert not len(daemon.server.registry)


async def test_a_handshake_that_never_comes_is_given_up() -> None:
    async with running(handshake_timeout=0.2) as daemon, await daemon.browser() as browser:
        browser.send("select", "ssh")
        await browser.end()
        assert failure(browser)[1] is Status.CLIENT_TIMEOUT


async def test_a_silent_viewer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "SILENCE", 0.2)
    async with running() as daemon, await daemon.browser() as browser:
        browser.echoing = False
        await browser.open("ssh")
        await browser.end()
        assert failure(browser)[1] is Status.CLIENT_TIMEOUT
        await gone(daemon)


async def test_a_quiet_session_gets_nops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "KEEP_ALIVE", 0.05)
    async with running() as daemon, await daemon.browser() as browser:
        beating = asyncio.create_task(daemon.server.keep_alive())
        await browser.open("ssh")
        await browser.until("nop")
        beating.cancel()


async def test_an_instance_that_ends_says_goodbye_without_error() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("ssh")
        await browser.until("sync")
        Painting.built[0].over.set()
        await browser.end()
        opcodes = [i.opcode for i in browser.received]
        assert opcodes[-1] == "disconnect"
        assert "error" not in opcodes
        await gone(daemon)


async def test_an_unreachable_instance_names_hop_status_and_reference() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("refusing")
        await browser.end()
        text, status = failure(browser)
        assert status is Status.UPSTREAM_UNAVAILABLE
        assert (
            text
            == f"desktop: Nothing listens on port 5905 of 10.1.2.3. (ref {browser.connection_id[1:5].upper()})"
        )


async def test_another_host_key_is_told_before_the_error() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("changed")
        await browser.end()
        assert failure(browser)[1] is Status.SERVER_ERROR
        assert browser.received[-3] == Instruction("msg", (str(EVIDENCE), "ssh-ed25519 AAAA"))


async def test_a_bug_ends_its_own_session_and_tells_nothing() -> None:
    async with running() as daemon, await daemon.browser() as browser, await daemon.browser() as other:
        await other.open("ssh")
        await browser.open("broken")
        await browser.end()
        text, status = failure(browser)
        assert status is Status.SERVER_ERROR
        assert "ZeroDivision" not in text
        other.send("key", 97, 1)
        await other.until("rect")


async def test_a_missing_password_is_asked_for() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("asking")
        assert (await browser.until("required")).args == ("password",)
        browser.send_stream(("argv", 0, "text/plain", "password"), "geheim")
        await called(Painting.built[0], "answers", {"password": "geheim"})


async def test_a_gateway_asks_in_its_own_words_of_whoever_looks() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("gated", {"detach-timeout": "60", "session-owner": "word"})
        assert (await browser.until("msg")).args == (str(0x4000), "gateway-asks")
        assert (await browser.until("msg")).args == (str(0x4003), "Staff only\nCode: ", "1")
        assert (await browser.until("required")).args == ("gateway-answer",)
        async with await daemon.browser() as again:
            await again.open(browser.connection_id, {"session-owner": "word"})
            assert (await again.until(lambda i: i.opcode == "msg" and i.args[0] == str(0x4003))).args[
                2
            ] == "1"
            again.send_stream(("argv", 0, "text/plain", "gateway-answer"), "123456")
            await called(Painting.built[0], "answer", "123456")


async def test_a_client_that_cannot_be_asked_is_told_so() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("asking", version="VERSION_1_1_0")
        await browser.end()
        assert failure(browser)[1] is Status.CLIENT_UNAUTHORIZED


async def test_too_many_sessions_are_refused_as_busy() -> None:
    async with (
        running(max_sessions=1) as daemon,
        await daemon.browser() as first,
        await daemon.browser() as second,
    ):
        await first.open("ssh")
        with pytest.raises(AssertionError, match="closed before"):
            await second.open("ssh")
        assert failure(second)[1] is Status.SERVER_BUSY


async def test_stopping_tells_everybody() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("ssh")
        await browser.until("sync")
        await daemon.server.close()
        await browser.end()
        assert failure(browser)[1] is Status.SESSION_CLOSED
