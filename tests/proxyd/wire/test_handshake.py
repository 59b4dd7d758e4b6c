"""Both sides of the handshake, against the sheet and against each other."""

from __future__ import annotations

import pytest

from proxyd.wire.handshake import ClientHandshake, ClientInfo, ServerHandshake, parse_version
from proxyd.wire.instruction import Instruction, InstructionParser
from proxyd.wire.status import Status, StatusError

NAMES = ["hostname", "port", "password"]


def instructions(data: bytes) -> list[Instruction]:
    return InstructionParser().feed(data)


def connect(*values: str) -> Instruction:
    return Instruction("connect", values)


def test_both_sides_meet() -> None:
    server = ServerHandshake(NAMES)
    info = ClientInfo(
        1280, 800, 192, ("audio/L16",), (), ("image/png", "image/webp"), "Europe/Berlin", "alice"
    )
    client = ClientHandshake("vnc", {"hostname": "10.1.2.3", "port": "5905", "colour": "x"}, info)
    assert instructions(client.start()) == [Instruction("select", ("vnc",))]
    [args] = instructions(server.args())
    said = instructions(client.receive(args))
    assert [instruction.opcode for instruction in said] == [
        "size",
        "audio",
        "video",
        "image",
        "timezone",
        "name",
        "connect",
    ]
    assert [server.receive(instruction) for instruction in said] == [False] * 6 + [True]
    assert server.arguments == {"hostname": "10.1.2.3", "port": "5905", "password": ""}
    assert (server.client.width, server.client.height, server.client.dpi) == (1280, 800, 192)
    assert (server.client.timezone, server.client.name, server.client.version) == (
        "Europe/Berlin",
        "alice",
        (1, 5, 0),
    )
    assert client.unused == ["colour"]
    assert client.receive(Instruction("ready", ("$abc",))) == b""
    assert client.connection_id == "$abc"


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("VERSION_1_0_0", ["size", "audio", "video", "image", "connect"]),
        ("VERSION_1_1_0", ["size", "audio", "video", "image", "timezone", "connect"]),
    ],
)
def test_an_older_server_is_told_no_more_than_it_knows(first: str, expected: list[str]) -> None:
    client = ClientHandshake("vnc", {}, ClientInfo(timezone="UTC", name="alice"))
    said = instructions(client.receive(Instruction("args", (first, "hostname"))))
    assert [instruction.opcode for instruction in said] == expected
    assert said[-1].args == (first, "")


def test_a_newer_server_is_answered_with_our_newest() -> None:
    client = ClientHandshake("vnc", {}, ClientInfo())
    said = instructions(client.receive(Instruction("args", ("VERSION_2_0_0", "hostname"))))
    assert said[-1].args == ("VERSION_1_5_0", "")


def test_a_server_without_version_gets_values_only() -> None:
    client = ClientHandshake("vnc", {"hostname": "h"}, ClientInfo())
    said = instructions(client.receive(Instruction("args", ("hostname", "port"))))
    assert said[-1].args == ("h", "")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Instruction("error", ("No such connection.", "516")), Status.RESOURCE_NOT_FOUND),
        (Instruction("error", ("?", "words")), Status.SERVER_ERROR),
        (Instruction("error"), Status.SERVER_ERROR),
        (Instruction("disconnect"), Status.UPSTREAM_UNAVAILABLE),
        (Instruction("img", ("1",)), Status.SERVER_ERROR),
    ],
)
def test_the_client_side_reports_refusals(answer: Instruction, status: Status) -> None:
    with pytest.raises(StatusError) as caught:
        ClientHandshake("vnc", {}, ClientInfo()).receive(answer)
    assert caught.value.status is status


def test_instructions_may_repeat_be_left_out_and_unknown() -> None:
    server = ServerHandshake(NAMES)
    for said in [
        Instruction("size", ("1", "2")),
        Instruction("size", ("1280.5", "720", "")),
        Instruction("holo", ("1",)),
        Instruction("timezone"),
    ]:
        assert not server.receive(said)
    assert server.receive(connect("", "h", "", ""))
    assert (server.client.width, server.client.height, server.client.dpi) == (1280, 720, 96)
    assert server.client.version == (1, 0, 0)


def test_blank_sizes_mean_the_default() -> None:
    server = ServerHandshake(NAMES)
    server.receive(Instruction("size", ("", "", "")))
    assert (server.client.width, server.client.height, server.client.dpi) == (1024, 768, 96)


@pytest.mark.parametrize(
    ("version", "expected"),
    [("VERSION_1_3_0", (1, 3, 0)), ("VERSION_1_2_0", (0, 0, 0)), ("nonsense", (0, 0, 0))],
)
def test_the_answered_version_counts_only_if_known(version: str, expected: tuple[int, int, int]) -> None:
    server = ServerHandshake(NAMES)
    server.receive(connect(version, "", "", ""))
    assert server.client.version == expected


@pytest.mark.parametrize(
    "bad",
    [
        Instruction("size", ("1024",)),
        Instruction("size", ("x", "768")),
        Instruction("size", ("0", "768")),
        Instruction("size", ("-5", "768")),
        Instruction("size", ("99999", "768")),
        Instruction("size", ("1024", "768", "0")),
        Instruction("size", ("1024", "768", "100000")),
        Instruction("size", ("99999999999999999999", "768")),
        connect(),
        connect("VERSION_1_5_0"),
        connect("VERSION_1_5_0", "h", "1"),
        connect("VERSION_1_5_0", "h", "1", "p", "more"),
    ],
    ids=str,
)
def test_absurd_values_are_refused_as_bad_requests(bad: Instruction) -> None:
    with pytest.raises(StatusError) as caught:
        ServerHandshake(NAMES).receive(bad)
    assert caught.value.status is Status.CLIENT_BAD_REQUEST


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("VERSION_1_5_0", (1, 5, 0)),
        ("VERSION_1_5", None),
        ("hostname", None),
        ("VERSION_1_5_0x", None),
        ("VERSION_٣_5_0", None),
    ],
)
def test_a_version_is_told_from_a_name(text: str, expected: tuple[int, int, int] | None) -> None:
    assert parse_version(text) == expected
