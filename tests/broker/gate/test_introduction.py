"""What a session is told of its instance: tables over readiness, ports, keys and passwords, and the whole way there."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
import structlog
from aiohttp import WSMsgType

from broker.auth.base import Connection
from broker.gate.host_keys import GATE
from broker.gate.instance import Instance
from broker.gate.introduction import starting
from broker.gate.reports import Report
from broker.reload import read_again
from proxyd.wire.instruction import InstructionParser
from proxyd.wire.status import Hop, Status, StatusError
from tests.fakes.guacd import Guacd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from broker.gate.reports import Value
    from tests.broker.conftest import Broker
    from tests.broker.gate.conftest import Clock

HOST = "10.1.2.3"
SECRET = base64.b64encode(bytes(32)).decode()
RING = f"""
[cloud]
secret = "{SECRET}"
schemes = ["jwt"]
reported-ports = true

[narrow]
secret = "{SECRET}"
schemes = ["jwt"]
reported-ports = true
targets = ["10.1.2.0/24:22+5901"]

[elsewhere]
secret = "{SECRET}"
schemes = ["jwt"]
reported-ports = true
targets = ["10.9.0.0/16:*"]

[silent]
secret = "{SECRET}"
schemes = ["jwt"]

[forced]
secret = "{SECRET}"
schemes = ["jwt"]
reported-ports = true
params-forced = {{ port = "22" }}
"""
TARGETS = ["10.0.0.0/8:22+2200-2299+5900-5999"]
RECENT, PATIENCE = 1000.0, 600.0


def line(kind: str = "ssh-ed25519") -> str:
    return asyncssh.generate_private_key(kind).export_public_key().decode().strip()


def fingerprint(text: str) -> str:
    return asyncssh.import_public_key(text).get_fingerprint()


ED, EC, OTHER = line(), line("ecdsa-sha2-nistp256"), line()
KEYS = {"ED": ED, "EC": EC, "OTHER": OTHER}


def connection(protocol: str = "ssh", **parameters: str) -> Connection:
    port = "22" if protocol == "ssh" else "5905"
    given = {name.replace("_", "-"): value for name, value in parameters.items()}
    return Connection("abc", "abc", protocol, {"hostname": HOST, "port": port, **given})


class Gate:
    """A broker's gate with one instance, and what a session gets to know of it."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.parts = broker.parts
        self.id = ""

    async def describe(self, key_id: str = "", **described: Any) -> str:
        instance, _ = await self.parts.instances.add(
            {"name": "dev", "addresses": [HOST], **described}, key_id=key_id
        )
        self.id = instance.id
        return self.id

    async def report(self, **attributes: Value) -> None:
        await self.parts.reports.merge(self.id, attributes, HOST)

    async def show(self, *lines: str) -> None:
        await self.parts.host_keys.saw(self.id, lines, GATE, HOST)

    async def told(self, asked: Connection, key_id: str = "cloud") -> dict[str, str]:
        introduced = await self.parts.introductions.introduce(key_id, asked)
        return dict(introduced.parameters)

    async def refused(self, asked: Connection, key_id: str = "cloud") -> StatusError:
        with pytest.raises(StatusError) as error:
            await self.told(asked, key_id)
        return error.value


@pytest.fixture
async def gate(serve: Any, tmp_path: Path) -> AsyncIterator[Gate]:
    ring = tmp_path / "ring.toml"
    ring.write_text(RING)
    async with serve(key_ring=ring, allowed_targets=TARGETS) as broker:
        yield Gate(broker)


# -- ready or not ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "attributes", "since", "age", "expected"),
    [
        # nothing said yet: waited for while it is new
        ("ssh", None, {}, 40, (Hop.INSTANCE, 40)),
        ("vnc", None, {}, 40, (Hop.INSTANCE, 40)),
        ("ssh", None, {}, 600, None),
        # it says so
        ("ssh", {"READY": "NO"}, {}, 599, (Hop.INSTANCE, 599, False)),
        ("ssh", {"READY": "NO"}, {}, 600, (Hop.INSTANCE, 600, True)),
        ("vnc", {"READY": "NO", "BROKER_DESKTOP": "NO"}, {}, 5000, (Hop.INSTANCE, 5000, True)),
        ("ssh", {"READY": "NO"}, {"READY": 4990}, 5000, (Hop.INSTANCE, 10, False)),  # it was started again
        (
            "ssh",
            {"READY": "NO"},
            {"first": 4990},
            5000,
            (Hop.INSTANCE, 10, False),
        ),  # it was made long before it began
        ("vnc", {"READY": "YES", "BROKER_DESKTOP": "NO"}, {"first": 4990}, 5000, (Hop.DESKTOP, 10)),
        ("ssh", {"READY": "YES"}, {}, 5, None),
        ("vnc", {"READY": "YES"}, {}, 5, None),  # the stock client speaks of no desktop
        # the desktop alone
        ("vnc", {"READY": "YES", "BROKER_DESKTOP": "NO"}, {}, 5, (Hop.DESKTOP, 5)),
        ("vnc", {"READY": "YES", "BROKER_DESKTOP": "no "}, {}, 5, (Hop.DESKTOP, 5)),
        ("ssh", {"READY": "YES", "BROKER_DESKTOP": "NO"}, {}, 5, None),
        ("vnc", {"READY": "YES", "BROKER_DESKTOP": "NO"}, {}, 600, None),  # it may have none at all
        ("vnc", {"READY": "YES", "BROKER_DESKTOP": "NO"}, {"BROKER_DESKTOP": 4990}, 5000, (Hop.DESKTOP, 10)),
        ("vnc", {"READY": "YES", "BROKER_SSH_PORT": "22"}, {}, 5, (Hop.DESKTOP, 5)),
        ("vnc", {"READY": "YES", "BROKER_SSH_PORT": "22", "BROKER_DESKTOP": "YES"}, {}, 5, None),
        ("vnc", {"READY": "YES", "BROKER_SSH_PORT": "22", "BROKER_VNC_PORT": "5901"}, {}, 5, None),
        ("vnc", {"READY": "NO", "BROKER_DESKTOP": "NO"}, {}, 5, (Hop.INSTANCE, 5)),
    ],
)
def test_what_is_waited_for(
    protocol: str,
    attributes: dict[str, Value] | None,
    since: dict[str, float],
    age: float,
    expected: tuple[Hop, int] | tuple[Hop, int, bool] | None,
) -> None:
    times = {name: RECENT + when for name, when in since.items()}
    first = times.pop("first", RECENT + 1)
    report = Report() if attributes is None else Report(attributes, first, since=times, first=first)
    found = starting(Instance("1", "dev", booted=RECENT), report, protocol, RECENT + age, PATIENCE)
    hop, seconds, over = (*expected, False)[:3] if expected else (None, 0, False)
    assert (found and (found.hop, found.seconds, found.over)) == (expected and (hop, seconds, over))


async def test_who_is_early_is_told_since_when_and_what_goes_wrong(gate: Gate, clock: Clock) -> None:
    await gate.describe()
    clock.now += 40
    error = await gate.refused(connection())
    assert (error.status, error.hop) == (Status.SERVER_BUSY, Hop.INSTANCE)
    assert error.message == "The instance is still starting (since 40 s)."
    await gate.report(READY="NO", BROKER_ERROR="disk\nfull\x1b[31m" + "!" * 300)
    message = (await gate.refused(connection())).message
    assert message.startswith("The instance is still starting (since 40 s). It says: disk full [31m!")
    assert len(message.partition("says: ")[2]) == 200
    await gate.report(READY="YES", BROKER_DESKTOP="NO", BROKER_ERROR="")
    error = await gate.refused(connection("vnc"))
    assert (error.hop, error.message) == (Hop.DESKTOP, "The desktop is starting (since 0 s).")
    assert await gate.told(connection())
    await gate.report(BROKER_DESKTOP="YES")
    assert await gate.told(connection("vnc"))


@pytest.mark.parametrize(
    ("seconds", "said"), [(600, "10 min"), (100, "100 s"), (7199, "119 min"), (9000, "2 h")]
)
async def test_who_says_for_too_long_that_it_is_not_ready_is_no_longer_waited_for(
    serve: Any, clock: Clock, seconds: int, said: str
) -> None:
    async with serve(gate_patience=min(600, seconds), allowed_targets=TARGETS) as broker:
        gate = Gate(broker)
        await gate.describe()
        await gate.report(READY="NO", BROKER_ERROR="the ready script ended with 1")
        clock.now += seconds - 1
        if seconds <= 600:
            assert (await gate.refused(connection())).status is Status.SERVER_BUSY
        clock.now += 1
        for protocol in ("ssh", "vnc", "exec"):
            error = await gate.refused(connection(protocol))
            assert (error.status, error.hop) == (Status.RESOURCE_CONFLICT, Hop.INSTANCE)
            assert error.message == (
                f"The instance has said for {said} that it is not ready. It says: the ready script ended with 1"
            )
        state = await gate.parts.introductions.state("cloud", connection())
        assert (state["instance-state"], state["instance-since"]) == ("not-ready", str(seconds))
        await gate.report(READY="YES")
        assert await gate.told(connection())


async def test_patience_ends_and_can_be_changed(gate: Gate, clock: Clock) -> None:
    await gate.describe()
    clock.now += 100
    assert await gate.refused(connection())
    settings = gate.parts.settings.model_copy(update={"gate_patience": 90.0})
    read_again(gate.parts, lambda: settings)
    assert await gate.told(connection())


@pytest.mark.parametrize(
    ("maker", "network", "parameters", "key_id", "found"),
    [
        ("", "", {}, "cloud", True),
        ("cloud", "", {}, "cloud", True),
        ("cloud", "", {}, "narrow", False),  # another platform's
        ("", "lab", {}, "cloud", False),
        ("", "lab", {"network": "lab"}, "cloud", True),
        ("", "", {"network": "lab"}, "cloud", False),
        ("", "", {"jump_hosts": "gw.example.org"}, "cloud", True),
        ("", "", {"hostname": "10.1.2.4"}, "cloud", False),
        ("", "", {"hostname": ""}, "cloud", False),
    ],
)
async def test_which_instance_a_connection_leads_to(
    gate: Gate, maker: str, network: str, parameters: dict[str, str], key_id: str, *, found: bool
) -> None:
    await gate.describe(maker, network=network)
    asked = connection(**parameters)
    if found:
        assert (await gate.refused(asked, key_id)).status is Status.SERVER_BUSY
    else:
        assert await gate.told(asked, key_id) == asked.parameters


# -- ports -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "reported", "ranges", "key_id", "port"),
    [
        ("ssh", "2222", {"ssh": [2200, 2299]}, "cloud", "2222"),
        ("exec", "2222", {"ssh": [2200, 2299]}, "cloud", "2222"),
        ("ssh", " 2222 ", {"ssh": [2200, 2299]}, "cloud", "2222"),
        ("vnc", "5901", {}, "cloud", "5901"),
        ("vnc", "5901", {}, "narrow", "5901"),
        # not among the instance's
        ("ssh", "2222", {}, "cloud", "22"),
        ("vnc", "6000", {}, "cloud", "5905"),
        ("vnc", "5899", {}, "cloud", "5905"),
        ("vnc", "5901", {"vnc": [5902, 5902]}, "cloud", "5905"),
        # not what the platform lets be used
        ("vnc", "5901", {}, "silent", "5905"),
        ("vnc", "5901", {}, "forced", "5905"),
        ("vnc", "5901", {}, "gone", "5905"),
        # not open to the key, or to anybody
        ("vnc", "5902", {}, "narrow", "5905"),
        ("vnc", "5901", {}, "elsewhere", "5905"),
        ("ssh", "8022", {"ssh": [8022, 8022]}, "cloud", "22"),
        # no port
        ("vnc", "", {}, "cloud", "5905"),
        ("vnc", "0x1700", {}, "cloud", "5905"),
        ("vnc", "٥٩٠١", {}, "cloud", "5905"),
        ("vnc", "5" * 100, {}, "cloud", "5905"),
    ],
)
async def test_a_reported_port_is_used_where_everybody_permits_it(
    gate: Gate, protocol: str, reported: str, ranges: dict[str, list[int]], key_id: str, port: str
) -> None:
    await gate.describe(ports=ranges)
    kind = "VNC" if protocol == "vnc" else "SSH"
    await gate.report(READY="YES", BROKER_DESKTOP="YES", **{f"BROKER_{kind}_PORT": reported})
    own = "5905" if protocol == "vnc" else "22"
    with structlog.testing.capture_logs() as lines:
        told = await gate.told(connection(protocol, port=own), key_id)
    assert told["port"] == port
    refused = bool(reported) and port == own and key_id not in {"silent", "forced", "gone"}
    assert [row["event"] for row in lines] == (["reported port not used"] if refused else [])


async def test_the_key_in_settings_uses_reported_ports_where_its_setting_says_so(serve: Any) -> None:
    for wanted, port in ((True, "5901"), (False, "5905")):
        async with serve(reported_ports=wanted, allowed_targets=TARGETS) as broker:
            gate = Gate(broker)
            await gate.describe()
            await gate.report(READY="YES", BROKER_VNC_PORT="5901")
            assert (await gate.told(connection("vnc"), "secret-key"))["port"] == port


# -- host keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("", ["ED", "EC"]),
        ("{ED}", ["ED"]),
        ("* {EC}\n{OTHER} comment", ["EC"]),
        ("@cert-authority * {OTHER}", None),  # stays as it is
    ],
)
async def test_pinned_keys_reach_the_daemon(gate: Gate, own: str, expected: list[str] | None) -> None:
    await gate.describe()
    await gate.report(READY="YES")
    await gate.show(ED, EC)
    own = own.format_map(KEYS)
    given = {"host_key": own} if own else {}
    told = (await gate.told(connection(**given)))["host-key"]
    assert told == (own if expected is None else "\n".join(f"* {KEYS[name]}" for name in expected))


@pytest.mark.parametrize("own", ["{OTHER}", "no key at all"])
async def test_a_link_that_names_another_key_is_refused(gate: Gate, own: str) -> None:
    await gate.describe()
    await gate.report(READY="YES")
    await gate.show(ED)
    error = await gate.refused(connection(host_key=own.format_map(KEYS)))
    assert (error.status, error.hop) == (Status.SERVER_ERROR, Hop.HOST_KEY)
    assert fingerprint(ED) in error.message
    assert own != "{OTHER}" or fingerprint(OTHER) in error.message


async def test_an_unknown_key_changes_nothing(gate: Gate) -> None:
    await gate.describe()
    await gate.report(READY="YES")
    assert "host-key" not in await gate.told(connection())


@pytest.mark.parametrize("protocol", ["ssh", "vnc", "exec"])
async def test_a_contradicted_key_blocks_whatever_it_is(gate: Gate, protocol: str) -> None:
    await gate.describe()
    await gate.show(ED)
    await gate.show(OTHER)
    with structlog.testing.capture_logs() as lines:
        error = await gate.refused(connection(protocol))
    assert (error.status, error.hop) == (Status.SERVER_ERROR, Hop.HOST_KEY)
    assert error.message == (
        f"The instance shows the host key {fingerprint(OTHER)}, but {fingerprint(ED)} is expected."
    )
    (row,) = lines
    assert row["log_level"] == "warning"
    assert (row["instance"], row["reason"]) == (gate.id, error.message)
    counted = gate.parts.metrics.registry.get_sample_value("fanlight_broker_gate_blocked_total")
    assert counted == 1
    await gate.parts.host_keys.accept(gate.id, {fingerprint(OTHER)})
    await gate.report(READY="YES")
    assert await gate.told(connection(protocol))


async def test_a_session_that_meets_another_key_sounds_the_alarm_and_blocks(gate: Gate) -> None:
    await gate.describe()
    await gate.report(READY="YES")
    await gate.show(ED)
    with structlog.testing.capture_logs() as lines:
        for met in (ED, OTHER, OTHER):
            await gate.parts.introductions.met("cloud", connection(), met)
    (row,) = lines
    assert (row["event"], row["shown"], row["expected"], row["source"], row["address"]) == (
        "host key changed",
        fingerprint(OTHER),
        fingerprint(ED),
        "session",
        HOST,
    )
    assert (await gate.refused(connection("vnc"))).hop is Hop.HOST_KEY
    counted = gate.parts.metrics.registry.get_sample_value("fanlight_broker_host_key_alarms_total")
    assert counted == 1


async def test_a_session_pins_nothing(gate: Gate) -> None:
    await gate.describe()
    await gate.report(READY="YES")
    for told, met in ((connection(), OTHER), (connection(hostname="10.9.9.9"), OTHER)):
        await gate.parts.introductions.met("cloud", told, met)
    assert not (await gate.parts.host_keys.find(gate.id)).pins
    await gate.show(ED)
    for told, met in ((connection(hostname="10.9.9.9"), OTHER), (connection(), "no key")):
        await gate.parts.introductions.met("cloud", told, met)
    assert not (await gate.parts.host_keys.find(gate.id)).mismatches


async def test_what_the_daemon_was_shown_reaches_the_alarm(serve: Any) -> None:
    async with Guacd() as daemon, serve(daemon) as broker:
        gate = Gate(broker)
        await gate.describe()
        await gate.report(READY="YES")
        await gate.show(ED)
        token = await broker.token(HOST)
        async with broker.client.ws_connect(
            "/guacamole/websocket-tunnel", params=broker.tunnel_query(token)
        ) as socket:
            peer = await daemon.accepted()
            peer.send("msg", 0x4004, OTHER)
            peer.send("error", "host-key: another one", 512)
            peer.send("disconnect")
            peer.close()
            while (await socket.receive()).type is WSMsgType.TEXT:
                pass
        await broker.idle()
        (row,) = (await broker.parts.host_keys.find(gate.id)).mismatches
        assert (row.shown.line, row.expected) == (OTHER, fingerprint(ED))


async def test_files_beside_a_desktop_are_told_the_same(gate: Gate) -> None:
    await gate.describe(ports={"ssh": [2200, 2299]})
    await gate.report(READY="YES", BROKER_DESKTOP="YES", BROKER_SSH_PORT="2222")
    await gate.show(ED)
    told = await gate.told(connection("vnc", enable_sftp="true"))
    assert (told["sftp-host-key"], told["sftp-port"]) == (f"* {ED}", "2222")
    assert not told.keys() & {"host-key", "sftp-hostname"}
    assert told["port"] == "5905"
    assert "sftp-host-key" not in await gate.told(connection("vnc"))
    beside = connection("vnc", enable_sftp="true", sftp_hostname="10.1.2.9")
    assert not (await gate.told(beside)).keys() & {"sftp-host-key", "sftp-port"}
    desktop, gate.id = gate.id, ""
    await gate.describe(addresses=["10.1.2.9"])
    assert gate.id != desktop
    await gate.show(ED)
    assert (await gate.told(beside))["sftp-host-key"] == f"* {ED}"
    await gate.show(OTHER)  # nobody is connected to it, for its files neither
    assert (await gate.refused(beside)).hop is Hop.HOST_KEY
    assert await gate.told(connection("vnc"))


async def test_the_port_for_files_is_checked_as_well(gate: Gate) -> None:
    await gate.describe(ports={"ssh": [8022, 8022]})
    await gate.report(READY="YES", BROKER_DESKTOP="YES", BROKER_SSH_PORT="8022")
    assert "sftp-port" not in await gate.told(connection("vnc", enable_sftp="true"))


# -- passwords of desktops ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "security", "given", "own"),
    [
        ("vnc", "vncauth", None, True),
        ("vnc", "VncAuth", "display", True),
        ("vnc", "vncauth", "the link's own", False),
        ("vnc", "x509", "display", False),
        ("vnc", None, "display", False),
        ("ssh", "vncauth", None, False),
    ],
)
async def test_a_desktop_gets_its_own_password(
    gate: Gate, protocol: str, security: str | None, given: str | None, *, own: bool
) -> None:
    await gate.describe()
    said = {} if security is None else {"BROKER_VNC_SECURITY": security}
    await gate.report(READY="YES", **said)
    told = await gate.told(connection(protocol, **({} if given is None else {"password": given})))
    instance = await gate.parts.instances.find(gate.id)
    assert instance is not None
    assert len(instance.vnc_password) == 8
    assert told.get("password") == (instance.vnc_password if own else given)


# -- the whole way -----------------------------------------------------------------------------------------------------


async def words(broker: Broker, token: str) -> tuple[list[tuple[str, ...]], int, str]:
    """What a browser hears that opens a tunnel: instructions, close code and reason."""
    heard: list[tuple[str, ...]] = []
    parser = InstructionParser()
    query = broker.tunnel_query(token)
    async with broker.client.ws_connect(
        "/guacamole/websocket-tunnel", params=query, protocols=["guacamole"]
    ) as socket:
        while (message := await socket.receive(10)).type is WSMsgType.TEXT:
            heard += [(row.opcode, *row.args) for row in parser.feed(message.data.encode())]
        assert message.type is WSMsgType.CLOSE
        return heard, message.data, message.extra


async def test_the_page_hears_where_and_why_by_either_way(serve: Any, clock: Clock, log_lines: Any) -> None:
    async with Guacd() as daemon, serve(daemon) as broker:
        gate = Gate(broker)
        await gate.describe()
        clock.now += 40
        token = await broker.token()
        heard, code, reason = await words(broker, token)
        ((opcode, text, status),) = heard
        ref = next(row["ref"] for row in log_lines if row["event"] == "tunnel refused")
        assert (opcode, status, code, reason) == ("error", "513", 1008, "513")
        assert text == f"instance: The instance is still starting (since 40 s). (ref {ref})"
        answer = await broker.client.post("/guacamole/tunnel?connect", data=broker.tunnel_query(token))
        assert answer.status == 503
        assert answer.headers["Guacamole-Status-Code"] == "513"
        told = answer.headers["Guacamole-Error-Message"]
        assert told.startswith("instance: The instance is still starting (since 40 s). (ref ")
        assert daemon.peers == []


async def test_a_session_begins_with_what_is_known_and_is_rejoined_whatever_is_said(serve: Any) -> None:
    names = ["hostname", "port", "host-key", "session-owner", "detach-timeout"]
    async with Guacd(names) as daemon, serve(daemon, detach_timeout=60) as broker:
        gate = Gate(broker)
        await gate.describe()
        await gate.show(ED)
        await gate.report(READY="YES")
        query = broker.tunnel_query(await broker.token())
        selected = []
        for _ in range(2):
            async with broker.client.ws_connect("/guacamole/websocket-tunnel", params=query) as socket:
                peer = await daemon.accepted()
                await socket.receive_str()
                selected.append(peer.selected)
            await broker.idle()
            await gate.report(READY="NO")
        assert daemon.peers[0].parameters["host-key"] == f"* {ED}"
        assert selected == ["ssh", daemon.peers[0].connection_id]


async def test_a_command_is_refused_with_the_reason(serve: Any, clock: Clock) -> None:
    async with serve() as broker:
        await Gate(broker).describe()
        clock.now += 7
        token = await broker.token()
        answer = await broker.client.post(
            "/guacamole/api/session/data/hmac/commands",
            json={"connections": ["abc"], "command": "id"},
            headers={"Guacamole-Token": token},
        )
        assert "The instance is still starting (since 7 s)." in await answer.text()


@pytest.mark.parametrize(
    ("protocol", "attributes", "expected"),
    [
        ("ssh", None, {"instance-state": "starting", "instance-since": "40"}),
        (
            "ssh",
            {"READY": "NO", "BROKER_ERROR": "no\ndisk"},
            {"instance-state": "starting", "instance-since": "40", "instance-words": "no disk"},
        ),
        ("ssh", {"READY": "YES", "BROKER_DESKTOP": "NO"}, {"instance-state": "ready"}),
        (
            "vnc",
            {"READY": "YES", "BROKER_DESKTOP": "NO"},
            {"instance-state": "starting-desktop", "instance-since": "40"},
        ),
        ("ssh", {"WEB_PORT": "80"}, {}),
    ],
)
async def test_the_page_sees_the_state_before_it_opens(
    gate: Gate, clock: Clock, protocol: str, attributes: dict[str, Value] | None, expected: dict[str, str]
) -> None:
    await gate.describe()
    if attributes is not None:
        await gate.report(**attributes)
    clock.now += 40
    token = await gate.broker.token(protocol=protocol)
    headers = {"Guacamole-Token": token}
    base = "/guacamole/api/session/data/hmac/"
    one = await (await gate.broker.client.get(f"{base}connections/abc", headers=headers)).json()
    tree = await (await gate.broker.client.get(f"{base}connectionGroups/ROOT/tree", headers=headers)).json()
    every = await (await gate.broker.client.get(f"{base}connections", headers=headers)).json()
    assert one["attributes"] == expected
    assert tree["childConnections"][0]["attributes"] == expected
    assert every["abc"]["attributes"] == expected


async def test_the_page_sees_that_it_is_blocked_and_nothing_where_nothing_is_known(gate: Gate) -> None:
    assert await gate.parts.introductions.state("cloud", connection()) == {}
    await gate.describe()
    await gate.show(ED)
    await gate.show(OTHER)
    assert await gate.parts.introductions.state("cloud", connection()) == {"instance-state": "blocked"}
