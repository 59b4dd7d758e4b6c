"""Whoever comes back finds the session they left; whoever else comes does not."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import WSMsgType

from broker.auth.base import Connection
from broker.keeping import Kept, identify
from broker.links import Signer
from broker.reload import read_again
from broker.sessions import Session
from broker.store.base import Kind
from proxyd.wire.handshake import ClientInfo
from proxyd.wire.instruction import InstructionParser
from tests.fakes.guacd import Guacd
from tests.fakes.instances import Painting
from tests.proxyd.test_server import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from proxyd.wire.instruction import Instruction
    from tests.broker.conftest import Broker
    from tests.proxyd.test_server import Daemon

BASE = "/guacamole/"
SECRET = bytes(range(32))


async def eventually(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


class Window:
    """One browser's tunnel."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self._parser = InstructionParser()
        self.seen: list[Instruction] = []

    async def until(self, opcode: str) -> Instruction:
        """The next instruction of this opcode."""
        async with asyncio.timeout(5):
            while True:
                message = await self.socket.receive()
                assert message.type is WSMsgType.TEXT, (message, self.seen)
                data = message.data if isinstance(message.data, bytes) else message.data.encode()
                batch = self._parser.feed(data)
                self.seen += batch
                for instruction in batch:
                    if instruction.opcode == opcode:
                        return instruction

    async def notices(self) -> list[tuple[str, ...]]:
        """What the page was told in passing before the first picture."""
        await self.until("sync")
        return [i.args[1:] for i in self.seen if i.opcode == "msg" and i.args[0] == str(0x4000)]

    async def ending(self) -> str:
        """The reason of the close."""
        async with asyncio.timeout(5):
            while (message := await self.socket.receive()).type is WSMsgType.TEXT:
                pass
        return str(message.extra)

    async def close(self) -> None:
        await self.socket.close()


class Site:
    def __init__(self, broker: Broker, daemon: Daemon, stack: AsyncExitStack) -> None:
        self.broker = broker
        self.daemon = daemon
        self._stack = stack

    async def open(self, token: str, identifier: str = "abc", **more: str) -> Window:
        query = self.broker.tunnel_query(token, identifier, **more)
        socket = self.broker.client.ws_connect(f"{BASE}websocket-tunnel", params=query)
        window = Window(await self._stack.enter_async_context(socket))
        await window.until("")
        return window

    async def leave(self, window: Window) -> None:
        """Close a window, and wait until everybody knows."""
        before = len(self.broker.parts.sessions)
        await window.close()
        await eventually(lambda: len(self.broker.parts.sessions) < before)
        await self.broker.parts.gateway.settled()

    @property
    def sessions(self) -> list[str]:
        return [session.connection_id for session in self.daemon.server.registry if not session.ended]

    async def kept(self) -> list[Kept]:
        records = await self.broker.parts.store.newest(Kind.KEPT, 100)
        return [Kept(**json.loads(value)) for value in records.values()]


@asynccontextmanager
async def site(serve: Any, **settings: Any) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(running())
        host, port = daemon.address
        broker = await stack.enter_async_context(serve(guacd_hostname=host, guacd_port=port, **settings))
        yield Site(broker, daemon, stack)


async def test_a_reload_finds_the_session_again(serve: Any) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        window = await at.open(token)
        assert await window.notices() == []
        await at.leave(window)
        assert len(at.sessions) == 1
        again = await at.open(token, GUAC_WIDTH="900")
        assert await again.notices() == [("resumed", "0")]
        assert len(Painting.built) == 1
        assert at.daemon.server.registry.find(at.sessions[0]).width == 900


async def test_a_fresh_link_of_the_same_person_to_the_same_place_finds_it_too(serve: Any) -> None:
    async with site(serve) as at:
        await at.leave(await at.open(await at.broker.token(identifier="one"), "one"))
        again = await at.open(await at.broker.token(identifier="two"), "two")
        assert await again.notices() == [("resumed", "0")]
        assert len(Painting.built) == 1


@pytest.mark.parametrize("other", ["user", "host", "name"])
async def test_anybody_and_anything_else_is_another_session(serve: Any, other: str) -> None:
    async with site(serve) as at:
        await at.leave(await at.open(await at.broker.token()))
        if other == "user":
            at.broker.platform.username = "bob"
        token = await at.broker.token(host="10.9.9.9" if other == "host" else "10.1.2.3", identifier="x")
        window = await at.open(token, "x", **({"GUAC_SESSION": "second"} if other == "name" else {}))
        assert await window.notices() == []
        assert len(at.sessions) == 2


async def test_two_windows_look_at_one_session(serve: Any) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        first, second = await at.open(token), await at.open(token)
        await second.until("sync")
        assert len(at.sessions) == 1
        await at.leave(second)
        assert (await at.kept())[0].detached is None
        await at.leave(first)
        assert (await at.kept())[0].detached == at.broker.clock()


async def test_two_at_once_end_up_in_one(serve: Any) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        windows = await asyncio.gather(*(at.open(token) for _ in range(4)))
        await eventually(lambda: len(at.sessions) == 1)
        for window in windows:
            await window.until("sync")


async def test_who_comes_back_twice_at_once_finds_one_session(serve: Any) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        await at.leave(await at.open(token))
        windows = await asyncio.gather(*(at.open(token) for _ in range(4)))
        for window in windows:
            await window.until("sync")
        assert len(at.sessions) == len(Painting.built) == 1


async def test_who_comes_back_before_the_old_socket_has_died(serve: Any) -> None:
    """A network that broke is noticed by the broker long after the browser is back."""
    async with site(serve) as at:
        token = await at.broker.token()
        old = await at.open(token)
        await old.until("sync")
        new = await at.open(token)
        await new.until("sync")
        await at.leave(old)
        assert (await at.kept())[0].detached is None
        await new.socket.send_str("3.key,2.97,1.1;")
        await eventually(lambda: ("key", 97, True) in Painting.built[0].calls)
        assert len(at.sessions) == len(Painting.built) == 1


async def test_a_window_that_dies_after_another_broker_was_asked(serve: Any, tmp_path: Path) -> None:
    """A network that broke: who comes back meets the other broker, long before the first one notices."""
    store = f"sqlite:///{tmp_path}/broker.sqlite"
    async with running() as daemon, AsyncExitStack() as stack:
        where = {"guacd_hostname": daemon.address[0], "guacd_port": daemon.address[1], "store": store}
        first, second = [Site(await stack.enter_async_context(serve(**where)), daemon, stack) for _ in "ab"]
        token = await first.broker.token()
        old = await first.open(token)
        await old.until("sync")
        await (await second.open(token)).until("sync")
        await first.leave(old)
        assert (await first.kept())[0].detached is None
        assert await first.broker.parts.gateway.left_open() == []


async def test_a_window_at_another_broker_that_stays_longer(serve: Any, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/broker.sqlite"
    async with running() as daemon, AsyncExitStack() as stack:
        where = {"guacd_hostname": daemon.address[0], "guacd_port": daemon.address[1], "store": store}
        first, second = [Site(await stack.enter_async_context(serve(**where)), daemon, stack) for _ in "ab"]
        token = await first.broker.token()
        stays = await first.open(token)
        await stays.until("sync")
        await second.leave(await second.open(token))
        await first.broker.parts.gateway.look_after()
        assert (await first.kept())[0].detached is None
        await first.leave(stays)
        assert (await first.kept())[0].detached == first.broker.clock()


async def test_the_newest_of_two_windows_leaves_first(serve: Any) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        old, new = await at.open(token), await at.open(token)
        await new.until("sync")
        await at.leave(new)
        await at.leave(old)
        assert (await at.kept())[0].detached == at.broker.clock()


async def test_a_window_that_was_cut_off_comes_back(serve: Any) -> None:
    """The daemon says goodbye to a window that talks nonsense; the session goes on, and is listed again."""
    async with site(serve) as at:
        token = await at.broker.token()
        window = await at.open(token)
        await window.socket.send_str("4.sync,19.9999999999999999999;")
        await window.ending()
        await at.broker.idle()
        again = await at.open(token)
        assert await again.notices() == [("resumed", "0")]
        await at.leave(again)
        assert len(await at.broker.parts.gateway.left_open()) == 1


async def test_two_who_come_back_to_what_is_no_more_end_up_in_one(serve: Any) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        await at.leave(await at.open(token))
        Painting.built[0].over.set()
        await eventually(lambda: not at.sessions)
        windows = await asyncio.gather(*(at.open(token) for _ in range(4)))
        for window in windows:
            await window.until("sync")
        await eventually(lambda: len(at.sessions) == 1)


async def test_who_leaves_while_their_session_is_recorded_leaves_no_connection_behind(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(serve) as at:
        session = await at.broker.parts.sessions.find(await at.broker.token())
        assert session is not None
        recording = asyncio.Event()

        async def never(*_: object) -> bool:
            recording.set()
            return await asyncio.get_running_loop().create_future()

        monkeypatch.setattr(at.broker.parts.store, "add", never)
        opening = asyncio.create_task(
            at.broker.parts.gateway.open(session, ("c", "abc"), ClientInfo(), "10.0.0.1")
        )
        await recording.wait()
        assert len(at.sessions) == 1
        opening.cancel()
        await eventually(lambda: not at.sessions)


async def test_who_comes_back_while_the_daemon_drains(serve: Any) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        await at.leave(await at.open(token))
        at.daemon.server.drain(600.0)
        assert ("resumed", "0") in await (await at.open(token)).notices()
        query = at.broker.tunnel_query(await at.broker.token(host="10.9.9.9", identifier="x"), "x")
        async with at.broker.client.ws_connect(f"{BASE}websocket-tunnel", params=query) as socket:
            assert (await socket.receive()).extra == str(0x201)  # nobody begins


async def test_who_comes_while_the_broker_begins_to_drain_is_sent_on(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        put = at.broker.parts.store.put

        async def put_slowly(kind: Kind, *rest: Any) -> None:
            if kind is Kind.KEPT:
                at.broker.parts.gateway.drain()
            await put(kind, *rest)

        await at.leave(await at.open(token))
        monkeypatch.setattr(at.broker.parts.store, "put", put_slowly)
        assert await (await at.open(token)).ending() == str(0x201)
        assert len(at.sessions) == 1


async def test_a_page_that_says_disconnect_ends_it(serve: Any) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        window = await at.open(token)
        await window.socket.send_str("10.disconnect;")
        await window.ending()
        await eventually(lambda: not at.sessions)
        await at.broker.idle()
        again = await at.open(token)
        assert await again.notices() == []  # nobody is told that what they ended has ended


async def test_an_instance_that_ended_it_before_our_eyes_is_no_news(serve: Any) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        window = await at.open(token)
        await window.until("sync")
        Painting.built[0].over.set()
        await window.until("disconnect")
        await at.leave(window)
        assert await (await at.open(token)).notices() == []


@pytest.mark.parametrize("present", [True, False])
async def test_logging_out_ends_it(serve: Any, present: bool) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        window = await at.open(token)
        await window.until("sync")
        if not present:
            await at.leave(window)
        assert (await at.broker.client.delete(f"{BASE}api/tokens/{token}")).status == 204
        await eventually(lambda: not at.sessions)


async def test_an_operator_ends_one_that_nobody_looks_at(serve: Any) -> None:
    async with site(serve) as at:
        await at.leave(await at.open(await at.broker.token()))
        (kept,) = await at.broker.parts.gateway.left_open()
        assert await at.broker.parts.gateway.end(kept.proxyd.removeprefix("$"), "Maintenance.")
        await eventually(lambda: not at.sessions)
        assert await at.kept() == []
        assert not await at.broker.parts.gateway.end("none", "Maintenance.")


async def test_people_are_told_when_their_session_ended_while_they_were_away(serve: Any) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        await at.leave(await at.open(token))
        Painting.built[0].over.set()
        await eventually(lambda: not at.sessions)
        again = await at.open(token)
        assert await again.notices() == [("ended-away",)]


async def test_a_broker_that_comes_back_knows_it_all(serve: Any, tmp_path: Any) -> None:
    store = f"sqlite:///{tmp_path}/broker.sqlite"
    async with running() as daemon:
        where = {"guacd_hostname": daemon.address[0], "guacd_port": daemon.address[1], "store": store}
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(serve(**where))
            token = await first.token()
            window = await Site(first, daemon, stack).open(token)
            await window.until("sync")
            first.parts.gateway.drain()
            assert await window.ending() == str(0x201)  # try again
        async with AsyncExitStack() as stack:
            second = await stack.enter_async_context(serve(**where))
            window = await Site(second, daemon, stack).open(token)
            assert await window.notices() == [("resumed", "0")]


async def test_beyond_the_limit_the_oldest_ends(serve: Any) -> None:
    async with site(serve, max_detached_per_user=2) as at:
        token = await at.broker.token()
        names = []
        for name in ("", "b", "c"):
            at.broker.clock.now += 1
            window = await at.open(token, GUAC_SESSION=name)
            await window.until("sync")
            names.append(at.sessions[-1])
            await at.leave(window)
        await eventually(lambda: at.sessions == names[1:])


@pytest.mark.parametrize(
    ("settings", "expires", "seconds"),
    [({}, None, 900), ({"detach_timeout": 60}, None, 60), ({"detach_timeout": 0}, None, 0), ({}, 100.0, 100)],
)
async def test_how_long(serve: Any, settings: dict[str, int], expires: float | None, seconds: int) -> None:
    async with site(serve, **settings) as at:
        token = await at.broker.token()
        session = await at.broker.parts.sessions.find(token)
        assert session is not None
        gateway = at.broker.parts.gateway
        limited = replace(session, expires=expires and at.broker.clock() + expires)
        (connection,) = session.connections.values()
        assert gateway._seconds(limited, connection) == seconds
        own = replace(connection, parameters={**connection.parameters, "detach-timeout": "7"})
        assert gateway._seconds(session, own) == 7


def ring(tmp_path: Path, forced: str) -> Path:
    """A key ring of one key, which says how long its people's sessions are kept."""
    secret = base64.b64encode(SECRET).decode()
    path = tmp_path / "ring.toml"
    path.write_text(
        f'[portal]\nsecret = "{secret}"\nschemes = ["jwt"]\noperator = true\n'
        f'params-forced = {{"detach-timeout" = "{forced}"}}\n'
    )
    return path


async def test_a_key_says_how_long_and_operators_see_who_is_away(serve: Any, tmp_path: Path) -> None:
    async with site(serve, key_ring=ring(tmp_path, "42"), public_origin="https://desk.example") as at:
        signer = Signer("https://desk.example/guacamole/", "portal", SECRET, clock=at.broker.clock)

        async def token(text: str) -> str:
            answer = await (await at.broker.post_form(f"jwt={text}")).json()
            return str(answer["authToken"])

        link = signer.token("ssh", "10.1.2.3", "alice", {"detach-timeout": "7"}, id="abc")
        await at.leave(await at.open(await token(link), GUAC_DATA_SOURCE="jwt"))
        (kept,) = await at.kept()
        assert kept.seconds == 42

        olga = await token(signer.token("", "", "", cnx={}, sub="olga", role="operator"))
        headers = {"Guacamole-Token": olga}
        running = f"{BASE}api/operator/running"
        (row,) = await (await at.broker.client.get(running, headers=headers)).json()
        assert (row["user"], row["target"], row["end"]) == ("alice", "10.1.2.3", None)
        assert row["away"] == round(at.broker.clock() * 1000)
        assert row.keys() >= {"identifier", "reference", "start"}
        assert not row.keys() & {"key", "session"}
        answer = await at.broker.client.delete(f"{running}/{row['identifier']}", headers=headers)
        assert answer.status == 204
        await eventually(lambda: not at.sessions)
        assert await (await at.broker.client.get(running, headers=headers)).json() == []


async def test_reading_keys_and_themes_anew_drops_nobody(serve: Any, tmp_path: Path) -> None:
    """Even where the key that let them in is taken off the ring, or the file is broken: what was granted stays."""
    path = ring(tmp_path, "42")
    themes = tmp_path / "extensions"
    themes.mkdir()
    where = {"key_ring": path, "extension_directory": themes, "public_origin": "https://desk.example"}
    async with site(serve, **where) as at:
        signer = Signer("https://desk.example/guacamole/", "portal", SECRET, clock=at.broker.clock)
        answer = await at.broker.post_form(f"jwt={signer.token('ssh', '10.1.2.3', 'alice', id='abc')}")
        window = await at.open((await answer.json())["authToken"], GUAC_DATA_SOURCE="jwt")
        await window.until("sync")
        (themes / "dark").mkdir()
        (themes / "dark" / "guac-manifest.json").write_text(
            '{"guacamoleVersion": "*", "name": "Dark", "namespace": "dark", "css": ["a.css"]}'
        )
        (themes / "dark" / "a.css").write_text("body { color: teal }")
        for text in (path.read_text().replace("portal", "another"), "[broken"):
            path.write_text(text)
            read_again(at.broker.parts)
        at.broker.parts.extensions.reload()
        assert "teal" in await (await at.broker.client.get(f"{BASE}app.css")).text()
        await window.socket.send_str("3.key,2.97,1.1;")
        await eventually(lambda: ("key", 97, True) in Painting.built[0].calls)
        assert len(at.sessions) == 1


async def test_a_daemon_that_keeps_nothing_is_asked_for_nothing(serve: Any) -> None:
    async with Guacd() as daemon, serve(daemon) as broker, AsyncExitStack() as stack:
        at = Site(broker, None, stack)  # type: ignore[arg-type]
        token = await broker.token()
        await at.leave(await at.open(token))
        await at.open(token)
        assert [(await daemon.accepted()).selected for _ in range(2)] == ["ssh", "ssh"]
        assert await at.kept() == []


async def test_a_forged_record_opens_nothing(serve: Any, log_lines: Any) -> None:
    async with site(serve) as at:
        await at.leave(await at.open(await at.broker.token()))
        (victim,) = await at.kept()
        at.broker.platform.username = "mallory"
        token = await at.broker.token(identifier="x")
        session = await at.broker.parts.sessions.find(token)
        assert session is not None
        key = identify(session, session.connections["x"], "").key
        await at.broker.parts.store.put(
            Kind.KEPT, key, json.dumps({**victim.__dict__, "key": key}).encode(), at.broker.clock() + 900
        )
        window = await at.open(token, "x")
        await window.until("sync")
        assert len(at.sessions) == 2
        assert any(line["event"] == "somebody else's session was asked for" for line in log_lines)
        assert any(line["event"] == "session not found again" for line in log_lines)


@pytest.mark.parametrize("value", [b"", b"{}", b"[1]", b'{"key": 1}', b"\xff"])
async def test_a_record_that_is_none(serve: Any, value: bytes) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        session = await at.broker.parts.sessions.find(token)
        assert session is not None
        key = identify(session, session.connections["abc"], "").key
        await at.broker.parts.store.put(Kind.KEPT, key, value, at.broker.clock() + 900)
        await (await at.open(token)).until("sync")


async def test_the_name_of_a_session_is_short(serve: Any) -> None:
    async with site(serve) as at:
        query = at.broker.tunnel_query(await at.broker.token(), GUAC_SESSION="x" * 33)
        async with at.broker.client.ws_connect(f"{BASE}websocket-tunnel", params=query) as socket:
            assert (await socket.receive()).extra == str(0x300)


async def test_joiners_wait_for_the_owner_and_their_link_survives(serve: Any) -> None:
    async with site(serve) as at:
        token = await at.broker.token()
        owner = await at.open(token)
        (tunnel,) = at.broker.parts.sessions.tunnels()
        shared = await at.broker.parts.sharing.share(tunnel, "watch", 600.0)
        assert shared is not None
        key = shared[0]

        async def joined() -> Window:
            answer = await (await at.broker.post_form(f"key={key}")).json()
            session = await at.broker.parts.sessions.find(answer["authToken"])
            assert session is not None
            source = {"GUAC_DATA_SOURCE": "hmac-shared"}
            return await at.open(answer["authToken"], next(iter(session.connections)), **source)

        joiner = await joined()
        await joiner.until("sync")
        await owner.close()
        assert "The person who shared this session left." in (await joiner.until("error")).args[0]
        await at.broker.idle()
        with pytest.raises(AssertionError):
            await joined()
        owner = await at.open(token)
        await (await joined()).until("sync")
        (tunnel,) = (t for t in at.broker.parts.sessions.tunnels() if not t.connection.share)
        assert await at.broker.parts.sharing.revoke(tunnel) == 1  # given away by the tunnel before
        assert await at.broker.refused(f"key={key}") == "unknown-share"


async def test_a_link_for_one(serve: Any) -> None:
    async with site(serve) as at:
        await at.open(await at.broker.token())
        (tunnel,) = at.broker.parts.sessions.tunnels()
        shared = await at.broker.parts.sharing.share(tunnel, "watch", 600.0, uses=1)
        assert shared is not None
        assert (await at.broker.post_form(f"key={shared[0]}")).status == 200
        assert await at.broker.refused(f"key={shared[0]}") == "unknown-share"


# -- what makes two requests ask for one session ---------------------------------------------------------------------


ALICE = Session("aa", "alice", "hmac", {}, key_id="portal")
SHELL = Connection(
    "id-1", "a shell", "ssh", {"hostname": "10.1.2.3", "port": "22", "color-scheme": "white-black"}
)


def changed(**parameters: str) -> Connection:
    return replace(
        SHELL, parameters={**SHELL.parameters, **{k.replace("_", "-"): v for k, v in parameters.items()}}
    )


@pytest.mark.parametrize(
    ("session", "connection", "name"),
    [
        (replace(ALICE, token_hash="bb", source="jwt"), SHELL, ""),
        (ALICE, replace(SHELL, identifier="id-2", name="other"), ""),
        (ALICE, changed(color_scheme="", timezone="Europe/Paris", detach_timeout="5"), ""),
    ],
)
def test_the_same(session: Session, connection: Connection, name: str) -> None:
    assert identify(session, connection, name) == identify(ALICE, SHELL, "")


@pytest.mark.parametrize(
    ("session", "connection", "name"),
    [
        (replace(ALICE, user="bob"), SHELL, ""),
        (replace(ALICE, key_id="another"), SHELL, ""),
        (replace(ALICE, user=""), SHELL, ""),
        (ALICE, replace(SHELL, protocol="vnc"), ""),
        (ALICE, changed(hostname="10.1.2.4"), ""),
        (ALICE, changed(read_only="true"), ""),
        (ALICE, changed(username="root"), ""),
        (ALICE, SHELL, "second"),
    ],
)
def test_not_the_same(session: Session, connection: Connection, name: str) -> None:
    ours, theirs = identify(session, connection, name), identify(ALICE, SHELL, "")
    assert ours.key != theirs.key
    assert ours.word != theirs.word


def test_a_password_is_in_the_word_and_not_in_the_name() -> None:
    ours, theirs = identify(ALICE, changed(password="a"), ""), identify(ALICE, changed(password="b"), "")
    assert ours.key == theirs.key
    assert ours.word != theirs.word
    assert re.fullmatch("[0-9a-f]{64}:[0-9a-f]{64}", ours.key)


def test_strangers_share_nothing() -> None:
    """Without a name a person is their token."""
    nobody = replace(ALICE, user="")
    assert identify(nobody, SHELL, "").person != identify(replace(nobody, token_hash="cc"), SHELL, "").person
