"""Whoever comes, goes, dies or is late: a model of sessions and the real ones agree after every step."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings, strategies
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from proxyd.instances.parameters import Arguments
from proxyd.registry import Registry
from proxyd.server import Server
from proxyd.session import Session
from proxyd.settings import Settings
from proxyd.viewer import Viewer
from proxyd.wire.handshake import ClientInfo
from proxyd.wire.status import Status, StatusError
from tests.fakes.instances import Painting
from tests.virtual_time import VirtualLoop

KEEP = 60
MAX_AWAY = 2
WORDS = ("alice", "bob")
SIZES = ((640, 480), (800, 600), (390, 844))


class Wire:
    """A peer that takes everything and says nothing."""

    def write(self, data: bytes) -> None: ...
    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None: ...
    def abort(self) -> None: ...


class Instance(Painting):
    """Knows which keys are down."""

    def __init__(self, arguments: Arguments, desk: Any) -> None:
        super().__init__(arguments, desk)
        self.down: set[int] = set()

    def key(self, keysym: int, pressed: bool) -> None:
        (self.down.add if pressed else self.down.discard)(keysym)
        super().key(keysym, pressed)


@dataclass(eq=False)
class Expected:
    """What we believe of one session."""

    word: str
    windows: list[Viewer] = field(default_factory=list)
    guests: list[Viewer] = field(default_factory=list)
    left_at: float | None = None
    over: bool = False

    def leave(self, now: float) -> None:
        if not self.windows:
            self.left_at = now
            self.guests.clear()


class Sessions(RuleBasedStateMachine):
    sessions: Bundle[tuple[Session, Expected]] = Bundle("sessions")
    viewers: Bundle[tuple[Session, Expected, Viewer]] = Bundle("viewers")

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        asyncio.set_event_loop(self.loop)
        self.pool = ThreadPoolExecutor(1)
        self.server = self.do(self._make())
        self.all: list[tuple[Session, Expected]] = []

    async def _make(self) -> Server:
        return Server(Settings(max_detached=MAX_AWAY), self.pool, {"ssh": Instance})

    def do(self, work: Any) -> Any:
        async def settled() -> Any:
            result = await work
            for _ in range(12):  # callbacks, tasks that end, and what they call
                await asyncio.sleep(0)
            return result

        return self.loop.run_until_complete(settled())

    @property
    def registry(self) -> Registry:
        return self.server.registry

    # -- what happens ------------------------------------------------------------------------------------------------

    @rule(target=sessions, word=strategies.sampled_from(WORDS), size=strategies.sampled_from(SIZES))
    def begin(self, word: str, size: tuple[int, int]) -> Any:
        async def work() -> tuple[Session, Viewer]:
            given = {"detach-timeout": str(KEEP), "session-owner": word}
            session = self.server._new_session(
                f"${len(self.all)}", Instance, Arguments(Instance.PARAMETERS, given), ClientInfo(*size, 96)
            )
            viewer = self._viewer(size, owner=True)
            session.join(viewer)
            self.server._begin(session, "ssh")
            return session, viewer

        session, viewer = self.do(work())
        expected = Expected(word, [viewer])
        self.all.append((session, expected))
        return session, expected

    @rule(
        target=viewers,
        where=sessions,
        word=strategies.sampled_from(("", *WORDS)),
        size=strategies.sampled_from(SIZES),
    )
    def come(self, where: tuple[Session, Expected], word: str, size: tuple[int, int]) -> Any:
        """Somebody asks for a session that runs, with the owner's word, another, or none."""
        session, expected = where

        async def work() -> Viewer | StatusError:
            try:
                viewer = self._viewer(size, owner=session.admits(word))
            except StatusError as error:
                return error
            session.join(viewer)
            return viewer

        got = self.do(work())
        if isinstance(got, StatusError):
            away = not word and expected.left_at is not None and not expected.over
            assert expected.over or (word and word != expected.word) or away
            assert got.status is (Status.RESOURCE_CLOSED if away else Status.RESOURCE_NOT_FOUND)
            return multiple()
        assert not expected.over
        if word:
            assert word == expected.word
            expected.windows.append(got)
            expected.left_at = None
        else:
            assert expected.windows
            expected.guests.append(got)
        return session, expected, got

    @rule(where=sessions, last=strategies.booleans(), keysym=strategies.integers(97, 99))
    def press(self, where: tuple[Session, Expected], last: bool, keysym: int) -> None:
        session, expected = where
        if session.viewers and not expected.over:
            session.key(session.viewers[-last], keysym, True)

    @rule(who=consumes(viewers), on_purpose=strategies.booleans())
    def go(self, who: tuple[Session, Expected, Viewer], on_purpose: bool) -> None:
        """A socket dies, sooner or later, or its browser says so; it may be one that was given up already."""
        session, expected, viewer = who
        self._leave(session, expected, viewer, on_purpose)

    @rule(where=sessions)
    def first_window_goes(self, where: tuple[Session, Expected]) -> None:
        session, expected = where
        if expected.windows:
            self._leave(session, expected, expected.windows[0], on_purpose=False)

    @rule(seconds=strategies.sampled_from((0.5, KEEP / 2, KEEP + 1)))
    def time_passes(self, seconds: float) -> None:
        self.do(asyncio.sleep(seconds))
        for _, expected in self.all:
            if expected.left_at is not None and self.loop.time() - expected.left_at >= KEEP:
                expected.over = True

    @rule(where=sessions)
    def instance_ends(self, where: tuple[Session, Expected]) -> None:
        session, expected = where

        async def work() -> None:
            session.instance.over.set()  # type: ignore[attr-defined]

        self.do(work())
        self._over(expected)

    @precondition(lambda self: self.all)
    @rule()
    def draining_ends_nothing(self) -> None:
        async def work() -> None:
            self.server.drain(30.0)
            self.server._ends = None

        self.do(work())

    # -- what holds --------------------------------------------------------------------------------------------------

    @invariant()
    def model_and_sessions_agree(self) -> None:
        for session, expected in self.all:
            assert session.ended == expected.over
            if not expected.over:
                assert set(session.viewers) == {*expected.windows, *expected.guests}
                assert (session.detached_since is None) == bool(expected.windows)

    @invariant()
    def the_newest_window_decides_the_size(self) -> None:
        for session, expected in self.all:
            if not expected.over and expected.windows:
                assert (session.width, session.height) == expected.windows[-1].size

    @invariant()
    def nobody_holds_a_key_that_is_not_there(self) -> None:
        for session, expected in self.all:
            if not expected.over:
                held = set().union(*(viewer.pressed for viewer in session.viewers))
                assert session.instance.down <= held  # type: ignore[attr-defined]

    @invariant()
    def nothing_is_drawn_for_nobody(self) -> None:
        for session, expected in self.all:
            if not expected.over and not session.viewers:
                assert session.pump._timer is None

    @invariant()
    def what_is_over_is_forgotten_and_not_too_many_are_kept(self) -> None:
        assert {session for session, expected in self.all if not expected.over} == set(self.registry)
        assert len(self.registry.away()) <= MAX_AWAY

    def teardown(self) -> None:
        async def work() -> None:
            for session in self.registry:
                session.end()

        self.do(work())
        self.do(asyncio.sleep(10))
        assert not len(self.registry)
        self.pool.shutdown()
        self.loop.close()

    # -- helpers -----------------------------------------------------------------------------------------------------

    def _leave(self, session: Session, expected: Expected, viewer: Viewer, on_purpose: bool) -> None:
        async def work() -> None:
            session.leave(viewer, on_purpose=on_purpose)
            self.server._end_longest_away(keep=MAX_AWAY)

        self.do(work())
        if expected.over:
            return
        if viewer in expected.guests:
            expected.guests.remove(viewer)
        elif viewer in expected.windows:
            expected.windows.remove(viewer)
            if on_purpose:
                self._over(expected)
                return
            expected.leave(self.loop.time())
        away = sorted(
            (e for _, e in self.all if e.left_at is not None and not e.over), key=lambda e: e.left_at or 0
        )
        for oldest in away[: max(len(away) - MAX_AWAY, 0)]:
            self._over(oldest)

    def _over(self, expected: Expected) -> None:
        expected.over = True

    def _viewer(self, size: tuple[int, int], *, owner: bool) -> Viewer:
        wire: Any = Wire()
        return Viewer(ClientInfo(*size, 96, version=(1, 5, 0)), wire, owner=owner, read_only=False)


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
