"""Links at their edges: used at the moment they expire, used up, ended, given away again. A model and the real ones agree."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from hypothesis import settings, strategies
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from broker.sessions import Sessions
from broker.sharing import MAX_SHARES, Sharing, share_name
from broker.store import open_store

MINUTE = 60.0
"""What every link is good for."""


@dataclass(eq=False)
class Guest:
    """A tunnel that came through a link."""

    identifier: str
    connection: Any
    status: object = None

    def end(self, status: object, reason: str = "") -> None:
        self.status = self.status or status


@dataclass(eq=False)
class Link:
    """What we believe of one."""

    key: str
    expires: float
    left: int | None
    ended: bool = False
    guests: list[Guest] = field(default_factory=list)


class Links(RuleBasedStateMachine):
    links: Bundle[Link] = Bundle("links")

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.loop = asyncio.new_event_loop()
        store = open_store("sqlite://", lambda: self.now)
        self.store = store
        self.sessions = Sessions(store, lambda: self.now, 3600.0)
        self.sharing = Sharing(store, self.sessions, lambda: self.now)
        self.all: list[Link] = []
        self.owner: Any = SimpleNamespace(
            identifier="owner",
            daemon="",
            connection_id="$owner",
            session=SimpleNamespace(user="alice", source="jwt"),
            connection=SimpleNamespace(name="shell", protocol="ssh", share=""),
        )

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def alive(self, link: Link) -> bool:
        return not link.ended and self.now < link.expires

    @rule(target=links, uses=strategies.sampled_from((0, 1, 2)), lives=strategies.sampled_from((0.5, 1, 2)))
    def give_away(self, uses: int, lives: float) -> Any:
        made = self.do(self.sharing.share(self.owner, "watch", lives * MINUTE, uses))
        if made is None:
            assert sum(self.alive(link) for link in self.all) >= MAX_SHARES
            return Link("", 0.0, 0, ended=True)
        link = Link(*made, uses or None)
        self.all.append(link)
        return link

    @rule(link=links)
    def use(self, link: Link) -> None:
        """A use counts whether or not its guest ever looks."""
        grant = self.do(self.sharing.redeem(link.key))
        expected = self.alive(link) and link.left != 0
        assert (grant is not None) == expected
        if grant is None:
            return
        if link.left is not None:
            link.left -= 1
        assert grant.expires == link.expires  # the token lives no longer than the link
        (connection,) = grant.connections
        assert (connection.join, connection.parameters) == ("$owner", {"read-only": "true"})
        guest = Guest(connection.identifier, connection)
        link.guests.append(guest)
        self.sessions.enter(guest)  # type: ignore[arg-type]

    @rule(link=links, early=strategies.sampled_from((0.0, 0.001, -0.001)))
    def the_moment_comes(self, link: Link, early: float) -> None:
        """The clock is at the link's end, just before or just after."""
        self.now = max(self.now, link.expires - early)

    @rule(seconds=strategies.sampled_from((1.0, MINUTE / 2)))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(link=links)
    def end_one(self, link: Link) -> None:
        ended = self.do(self.sharing.revoke(self.owner, share_name(link.key)))
        assert ended == self.alive(link)
        link.ended = True

    @rule()
    def end_all(self) -> None:
        ended = self.do(self.sharing.revoke(self.owner))
        assert ended == sum(self.alive(link) for link in self.all)
        for link in self.all:
            link.ended = True

    @invariant()
    def nobody_outlives_a_link(self) -> None:
        self.do(self.sharing.look_after())
        for link in self.all:
            for guest in link.guests:
                assert (guest.status is None) == self.alive(link)
            assert self.do(self.sharing.valid(share_name(link.key))) == self.alive(link)

    def teardown(self) -> None:
        self.do(self.store.close())
        self.loop.close()


TestLinks = Links.TestCase
TestLinks.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
