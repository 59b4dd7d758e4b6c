"""One command on several connections: who may, what is told, and a real run through broker and proxyd."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from broker.auth.base import Connection, Grant
from broker.commands import MAX_COMMAND, Order, Outcome, parse_order, runnable
from proxyd.wire.instruction import encode
from proxyd.wire.status import Status, StatusError
from tests.cuts import every_cut
from tests.fakes.guacd import Guacd
from tests.servers.proxyd import Proxyd
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/guacamole/api/session/data/json/commands"
SHELL = Connection("one", "one", "ssh", {"hostname": "10.1.2.3", "username": "alice"})


def order(**changes: Any) -> bytes:
    return json.dumps({"connections": ["a"], "command": "id", **changes}).encode()


def test_an_order() -> None:
    assert parse_order(order()) == Order(("a",), "id", 16, 0)
    assert parse_order(order(connections=["b", "a", "b"], limit=2, timeout=5)) == Order(
        ("b", "a"), "id", 2, 5
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        order(command=""),
        order(command=" \n"),
        order(command=7),
        order(command="a\0b"),
        order(command="x" * (MAX_COMMAND + 1)),
        order(connections="a"),
        order(connections=[]),
        order(connections=[1]),
        order(connections=["a"] * 257),
        order(limit=0),
        order(limit=17),
        order(limit=True),
        order(timeout=-1),
        order(timeout="5"),
        order(timeout=1e9),
    ],
)
def test_what_is_no_order(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_order(body)


def test_a_shell_runs_a_command() -> None:
    made = runnable(SHELL, "uptime", 9)
    assert made.protocol == "exec"
    assert made.parameters["command"] == "uptime"
    assert made.parameters["command-timeout"] == "9"
    assert made.parameters["detach-timeout"] == "0"
    assert made.parameters["username"] == "alice"


@pytest.mark.parametrize(
    "connection",
    [
        Connection("d", "d", "vnc", {"hostname": "10.1.2.3"}),
        Connection("s", "s", "ssh", {}, share="a link"),
        Connection("j", "j", "ssh", {}, join="$1"),
        Connection("f", "f", "ssh", {}, follows="somebody's"),
        Connection("r", "r", "ssh", {"read-only": "true"}),
        Connection("c", "c", "ssh", {"disable-copy": "true"}),
        Connection("o", "o", "ssh", {"command": "rbash"}),
        Connection("p", "p", "ssh", {"recording-path": "/var"}),
        Connection("t", "t", "ssh", {"typescript-path": "/var"}),
    ],
    ids=lambda connection: connection.identifier,
)
def test_what_runs_no_command(connection: Connection) -> None:
    with pytest.raises(StatusError) as caught:
        runnable(connection, "id", 0)
    assert caught.value.status is Status.CLIENT_FORBIDDEN


def told(name: str, value: str, index: int = 0) -> bytes:
    text = base64.b64encode(value.encode()).decode()
    return encode("argv", index, "text/plain", name) + encode("blob", index, text) + encode("end", index)


def output(index: int, data: bytes) -> bytes:
    return encode("blob", index, base64.b64encode(data).decode())


DONE = b"".join(
    [
        told("state", "running"),
        encode("pipe", 2, "text/plain", "stdout"),
        output(2, "gr\u00fc".encode()[:-1]),
        encode("sync", 1, 0),
        encode("pipe", 4, "text/plain", "stderr"),
        output(4, b"oh"),
        output(2, "\u00fc".encode()[-1:] + b"n"),
        encode("end", 2),
        encode("end", 4),
        told("exit-status", "3"),
        told("exit-signal", ""),
        told("cut", "true"),
        told("state", "exited"),
        encode("disconnect"),
    ]
)


def test_what_a_daemon_tells_however_it_is_cut() -> None:
    for pieces in every_cut(DONE):
        outcome = Outcome()
        events = [event for piece in pieces for event in outcome.feed(piece)]
        assert events[0] == {"state": "running"}
        assert "".join(event.get("stdout", "") for event in events) == "gr\u00fcn"
        assert "".join(event.get("stderr", "") for event in events) == "oh"
        assert outcome.end() == {"state": "exited", "exit": 3, "signal": "", "cut": True}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (encode("error", "sign-in: No. (ref 1)", 769), "sign-in: No. (ref 1)"),
        (told("state", "running"), "The connection to the instance was lost."),
        (output(9, b"?") + encode("end", 9) + encode("argv", 1), "The connection to the instance was lost."),
        (told("state", "running") + encode("error", "instance: Gone.", 515), "instance: Gone."),
    ],
)
def test_a_command_that_did_not_end(said: bytes, reason: str) -> None:
    outcome = Outcome()
    list(outcome.feed(said))
    assert outcome.end() == {"state": "refused", "error": reason}


async def events(answer: Any) -> list[dict[str, Any]]:
    assert answer.status == 200, await answer.text()
    assert answer.content_type == "application/x-ndjson"
    return [json.loads(line) for line in (await answer.text()).splitlines() if line]


async def enter(broker: Any, *connections: Connection) -> dict[str, str]:
    """The header of a token that opens these."""
    grant = Grant("json", "root", connections, "k", "", 0.0)
    return {"Guacamole-Token": (await broker.parts.sessions.open(grant))[0]}


async def test_only_what_the_token_opens(serve: Any) -> None:
    async with Guacd() as daemon, serve(daemon) as broker:
        headers = await enter(broker, SHELL, Connection("d", "d", "vnc", {}))
        post = broker.client.post
        assert (await post(PATH, data=order(), headers={})).status == 403
        assert (await post(PATH, data=order(), headers=headers)).status == 404
        assert (await post(PATH.replace("json", "x"), data=order(), headers=headers)).status == 404
        assert (await post(PATH, data=b"?", headers=headers)).status == 400
        answer = await post(PATH, data=order(connections=["d"]), headers=headers)
        assert [event["state"] for event in await events(answer)] == ["starting", "refused"]


async def test_who_leaves_stops_it_and_the_history_says_so(serve: Any) -> None:
    parameters = ("hostname", "command", "command-timeout", "private-key")
    async with Guacd(parameters) as daemon, serve(daemon) as broker:
        headers = await enter(broker, SHELL)
        answer = await broker.client.post(PATH, data=order(connections=["one"]), headers=headers)
        peer = await daemon.accepted()
        assert (peer.selected, peer.parameters["command"]) == ("exec", "id")
        peer.send_raw(told("state", "running"))
        lines = [json.loads(await answer.content.readline()) for _ in range(2)]
        assert [line["state"] for line in lines] == ["starting", "running"]
        answer.close()
        assert await peer.next() is None
        await broker.idle()
        (record,) = await broker.parts.records.history()
        assert (record.command, record.outcome, record.user) == ("id", "cancelled", "root")


@pytest.fixture(scope="module")
def machine() -> Iterator[Sshd]:
    with Sshd() as server:
        yield server


@pytest.mark.real
async def test_a_real_run(serve: Any, machine: Sshd) -> None:
    def shell(name: str, **changes: str) -> Connection:
        known = {
            "hostname": "127.0.0.1",
            "port": str(machine.port),
            "username": machine.user,
            "private-key": machine.private_key,
            "host-key": machine.host_key,
        }
        return Connection(name, name, "ssh", known | changes)

    async with Proxyd() as daemon, serve(guacd_hostname="127.0.0.1", guacd_port=daemon.address[1]) as broker:
        headers = await enter(broker, shell("a"), shell("b"), shell("asks", username=""))

        async def run(command: str, *names: str, **more: Any) -> dict[str, dict[str, Any]]:
            body = order(connections=names, command=command, **more)
            ends: dict[str, dict[str, Any]] = {name: {"stdout": "", "stderr": ""} for name in names}
            for event in await events(await broker.client.post(PATH, data=body, headers=headers)):
                end = ends[event.pop("connection")]
                for name in ("stdout", "stderr"):
                    end[name] += event.pop(name, "")
                end.update(event)
            return ends

        ends = await run("echo out; echo err >&2; exit 4", "a", "b", "asks")
        for name in ("a", "b"):
            assert (ends[name]["state"], ends[name]["exit"]) == ("exited", 4)
            assert (ends[name]["stdout"], ends[name]["stderr"]) == ("out\n", "err\n")
        assert ends["asks"]["state"] == "refused"
        assert "needs input" in ends["asks"]["error"]

        (flood,) = (await run("head -c 3000000 /dev/zero | tr '\\0' x; echo end >&2", "a")).values()
        assert (len(flood["stdout"]), flood["stderr"], flood["cut"]) == (1 << 20, "", True)

        (late,) = (await run("printf 'Password: '; sleep 60", "a", timeout=1)).values()
        assert late["state"] == "needs-input"
        await broker.idle()
        outcomes = sorted(record.outcome for record in await broker.parts.records.history())
        assert outcomes == ["exit 0", "exit 4", "exit 4", "needs-input", "refused"]
        async with asyncio.timeout(10):
            while machine.sessions():
                await asyncio.sleep(0.05)
