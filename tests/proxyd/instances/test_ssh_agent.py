from __future__ import annotations

import asyncio
import stat
import struct
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.instances.ssh_agent import answer, serving

PAIR = asyncssh.load_keypairs([asyncssh.generate_private_key("ssh-ed25519")])[0]
FAILURE = b"\x05"


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def test_the_one_key_is_listed() -> None:
    assert answer(b"\x0b", PAIR) == b"\x0c" + struct.pack(">I", 1) + string(PAIR.public_data) + string(b"")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x01",
        b"\x0d",
        b"\x0d" + string(b"x"),
        b"\x0d" + string(b"another key") + string(b"data") + struct.pack(">I", 0),
        b"\x0d" + struct.pack(">I", 0xFFFFFFFF) + b"x",
        b"\x11" + string(b"ssh-ed25519"),
    ],
)
def test_everything_else_fails(message: bytes) -> None:
    assert answer(message, PAIR) == FAILURE


@given(st.binary(max_size=60))
def test_any_message_has_an_answer(message: bytes) -> None:
    assert answer(message, PAIR)[0] in {5, 12, 14}


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"])
async def test_a_client_signs_with_it(kind: str) -> None:
    key = asyncssh.generate_private_key(kind, **({"key_size": 2048} if kind == "ssh-rsa" else {}))
    async with serving(asyncssh.load_keypairs([key])[0]) as path:
        assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700
        async with await asyncssh.connect_agent(path) as agent:
            (found,) = await agent.get_keys()
            assert found.public_data == key.public_data
            if kind == "ssh-rsa":
                found.set_sig_algorithm(b"rsa-sha2-512")
            signature = await found.sign_async(b"data")
            assert key.convert_to_public().verify(b"data", signature)
    assert not Path(path).parent.exists()


async def test_an_endless_message_is_cut_off() -> None:
    async with serving(PAIR) as path:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(struct.pack(">I", 1 << 30))
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
