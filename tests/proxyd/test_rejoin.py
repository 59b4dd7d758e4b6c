"""A session outlives its viewers: who leaves, who comes back, and what they find."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from proxyd.wire.status import Status
from tests.fakes.instances import Painting
from tests.proxyd.test_server import called, failure, gone, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.browser import Browser
    from tests.proxyd.test_server import Daemon

WORD = "only-the-owner-knows"
KEPT = {"detach-timeout": "60", "session-owner": WORD}
RESUMED = "resumed"


async def fact(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


async def left_behind(daemon: Daemon, **more: str) -> str:
    """A session whose owner's network is gone; its id."""
    browser = await daemon.browser()
    await browser.open("ssh", {**KEPT, **more})
    await browser.until("sync")
    await browser.close()
    [session] = [s for s in daemon.server.registry if s.connection_id == browser.connection_id]
    await fact(lambda: session.detached_since is not None)
    return browser.connection_id


async def back(daemon: Daemon, name: str, **more: str) -> Browser:
    browser = await daemon.browser()
    return await browser.open(name, {"session-owner": WORD, **more})


async def test_the_owner_finds_the_session_again() -> None:
    async with running() as daemon:
        name = await left_behind(daemon)
        async with await back(daemon, name) as browser:
            assert (await browser.until("msg")).args[:2] == (str(0x4000), RESUMED)
            assert browser.connection_id == name
            await browser.until("size")
            await browser.until("rect")
            assert (await browser.until("name")).args == ("painting",)
            assert await browser.text_stream("argv") == "gray-black"
            browser.send("key", 0x61, 1)
            await called(Painting.built[0], "key", 0x61, True)
        assert len(Painting.built) == 1


async def test_it_takes_the_size_and_resolution_of_the_window_it_is_seen_in() -> None:
    async with running() as daemon:
        name = await left_behind(daemon)
        [instance] = Painting.built
        instance.desk.argument("font-size", "12")
        async with await daemon.browser() as browser:
            await browser.open(name, {"session-owner": WORD}, size=(390, 844, 192))
            assert instance.calls == [("resize", 390, 844), ("change", "font-size", "12")]
            assert (instance.desk.width, instance.desk.height, instance.desk.dpi) == (390, 844, 192)


async def test_nothing_is_asked_of_the_instance_while_nobody_looks() -> None:
    async with running() as daemon:
        await left_behind(daemon)
        [instance] = Painting.built
        [session] = daemon.server.registry
        for _ in range(3):  # what had been asked for already may come, once
            instance.key(0, True)
        assert instance._dirty
        assert not session.pump._requested
        assert session.pump._timer is None


async def test_what_was_copied_meanwhile_waits() -> None:
    async with running() as daemon:
        name = await left_behind(daemon)
        Painting.built[0].desk.clipboard("first")
        Painting.built[0].desk.clipboard("copied by a program")
        async with await back(daemon, name) as browser:
            assert await browser.text_stream("argv") == "gray-black"
            browser.forget()
            assert await browser.text_stream("clipboard") == "copied by a program"
        async with await back(daemon, name) as browser:
            await browser.until("sync")
            assert "clipboard" not in [i.opcode for i in browser.received]


async def test_keys_and_buttons_held_down_are_let_go() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("ssh", KEPT)
        browser.send("key", 0xFFE3, 1)
        browser.send("mouse", 5, 6, 1)
        await called(Painting.built[0], "pointer", 5, 6, 1)
        await browser.close()
        await called(Painting.built[0], "pointer", 5, 6, 0)
        assert ("key", 0xFFE3, False) in Painting.built[0].calls


@pytest.mark.parametrize("timeout", ["", "0"])
async def test_a_client_that_asks_for_nothing_gets_what_guacd_does(timeout: str) -> None:
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("ssh", {"detach-timeout": timeout})
        await browser.close()
        await gone(daemon)


async def test_nobody_is_waited_for_longer_than_said() -> None:
    async with running() as daemon:
        await left_behind(daemon, **{"detach-timeout": "1"})
        await gone(daemon)
        assert Painting.built[0].cleaned_up


async def test_an_owner_who_disconnects_ends_it_for_everybody() -> None:
    async with running() as daemon, await daemon.browser() as owner, await daemon.browser() as joiner:
        await owner.open("ssh", KEPT)
        await joiner.open(owner.connection_id)
        async with await back(daemon, owner.connection_id) as second:
            owner.send("disconnect")
            for browser in (owner, joiner, second):
                await browser.end()
                assert browser.received[-1].opcode == "disconnect"
        await gone(daemon)


async def test_joiners_leave_with_the_owner_and_may_come_back_with_it() -> None:
    async with running() as daemon, await daemon.browser() as owner, await daemon.browser() as joiner:
        await owner.open("ssh", KEPT)
        await joiner.open(owner.connection_id)
        await owner.close()
        await joiner.end()
        assert failure(joiner)[1] is Status.SESSION_CLOSED
        async with await daemon.browser() as early:
            early.send("select", owner.connection_id)
            await early.until("args")
            early.send("connect", "VERSION_1_5_0", *[""] * (len(early.received[0].args) - 1))
            await early.end()
            assert failure(early)[1] is Status.RESOURCE_CLOSED
        async with await back(daemon, owner.connection_id), await daemon.browser() as again:
            await again.open(owner.connection_id)
            await again.until("sync")


async def test_two_windows_of_the_owner_and_the_newest_decides_the_size() -> None:
    async with running() as daemon, await daemon.browser() as first:
        await first.open("ssh", KEPT, size=(640, 480, 96))
        async with await daemon.browser() as second:
            await second.open(first.connection_id, {"session-owner": WORD}, size=(800, 600, 96))
            await called(Painting.built[0], "resize", 800, 600)
            first.send("size", 700, 500)
            second.send("size", 810, 610)
            await called(Painting.built[0], "resize", 810, 610)
        await called(Painting.built[0], "resize", 700, 500)
        [session] = daemon.server.registry
        assert session.detached_since is None
        first.send("key", 97, 1)
        await first.until("rect")


async def test_every_window_of_the_owner_knows_who_is_there() -> None:
    """Also one that came back while guests stayed, since its old connection had not died yet; it is no guest itself."""
    async with running() as daemon, await daemon.browser() as first, await daemon.browser() as guest:
        await first.open("ssh", KEPT, name="alice")
        await guest.open(first.connection_id, name="bob")
        came = (await first.until("msg")).args
        assert came[::2] == ("1", "bob")
        async with await daemon.browser() as second:
            await second.open(first.connection_id, {"session-owner": WORD}, name="alice")
            assert (await second.until("msg")).args[1] == RESUMED
            assert (await second.until("msg")).args == came
            await guest.close()
            gone_again = ("2", came[1], "bob")
            assert (await second.until("msg")).args == gone_again
            assert (await first.until("msg")).args == gone_again
            async with await daemon.browser() as other:
                await other.open(first.connection_id, name="carol")
                for window in (first, second):
                    assert (await window.until("msg")).args[::2] == ("1", "carol")


@pytest.mark.parametrize("word", ["another word", WORD[:-1], "ü" * 20])
async def test_somebody_elses_session_is_refused_as_one_that_is_not_there(word: str) -> None:
    async with running() as daemon:
        names = [await left_behind(daemon), "$00000000-0000-0000-0000-000000000000"]
        answers = []
        for name in names:
            async with await daemon.browser() as browser:
                with pytest.raises(AssertionError, match="closed before"):
                    await browser.open(name, {"session-owner": word})
                answers.append(failure(browser))
        assert answers[0] == answers[1]
        assert answers[0][1] is Status.RESOURCE_NOT_FOUND
        assert len(daemon.server.registry) == 1


async def test_a_session_without_a_word_belongs_to_nobody() -> None:
    async with running() as daemon, await daemon.browser() as owner, await daemon.browser() as other:
        await owner.open("ssh", {"detach-timeout": "60"})
        with pytest.raises(AssertionError, match="closed before"):
            await other.open(owner.connection_id, {"session-owner": "x"})


async def test_beyond_the_limit_the_longest_away_goes_first() -> None:
    async with running(max_detached=2) as daemon:
        names = [await left_behind(daemon) for _ in range(2)]
        async with await daemon.browser() as third:
            await third.open("ssh", KEPT)
        await fact(lambda: len(daemon.server.registry) == 2)
        kept = {session.connection_id for session in daemon.server.registry}
        assert names[0] not in kept
        assert names[1] in kept


async def test_who_is_away_makes_room_for_who_comes() -> None:
    async with running(max_sessions=1) as daemon:
        name = await left_behind(daemon)
        async with await daemon.browser() as browser:
            await browser.open("ssh")
            await browser.until("sync")
            await fact(lambda: [s.connection_id for s in daemon.server.registry] == [browser.connection_id])
            assert browser.connection_id != name


async def test_a_question_waits_for_its_answer() -> None:
    async with running() as daemon:
        browser = await daemon.browser()
        await browser.open("asking", KEPT)
        await browser.until("required")
        await browser.close()
        await fact(lambda: [s for s in daemon.server.registry if s.detached_since is not None])
        async with await back(daemon, browser.connection_id) as again:
            assert (await again.until("required")).args == ("password",)
            again.send_stream(("argv", 0, "text/plain", "password"), "geheim")
            await called(Painting.built[0], "answers", {"password": "geheim"})


async def test_a_broker_may_end_a_session_that_nobody_looks_at() -> None:
    async with running() as daemon:
        name = await left_behind(daemon)
        async with await daemon.browser() as broker:
            broker.send("end", name, "An operator ended this session.")
            assert [i.opcode for i in await broker.end()] == ["disconnect"]
        await gone(daemon)
        async with await daemon.browser() as broker:
            broker.send("end", name, "again")
            await broker.end()
            assert failure(broker)[1] is Status.RESOURCE_NOT_FOUND


async def test_while_draining_people_are_told_and_may_come_back_but_nobody_begins() -> None:
    async with running() as daemon, await daemon.browser() as there, await daemon.browser() as new:
        await there.open("ssh", KEPT)
        name = await left_behind(daemon)
        daemon.server.drain(30.0)
        assert (await there.until("msg")).args == (str(0x4000), "restarting", "30")
        async with await back(daemon, name) as again:
            told = [(await again.until("msg")).args for _ in range(2)]
            assert told == [(str(0x4000), RESUMED, "0"), (str(0x4000), "restarting", "30")]
            await again.until("sync")
        with pytest.raises(AssertionError, match="closed before"):
            await new.open("ssh")
        assert failure(new)[1] is Status.SERVER_BUSY
