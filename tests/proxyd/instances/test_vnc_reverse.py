"""Servers that call us."""

from __future__ import annotations

import asyncio

import pytest

from proxyd.instances.parameters import Arguments
from proxyd.instances.vnc import VncInstance
from proxyd.wire.status import Status, StatusError
from tests.fakes.desk import FakeDesk
from tests.fakes.rfb_server import OPENING_38, raw, update
from tests.servers.processes import free_port


def instance(desk: FakeDesk, port: int, timeout: int = 5000) -> VncInstance:
    given = {"port": str(port), "reverse-connect": "true", "listen-timeout": str(timeout)}
    return VncInstance(Arguments(VncInstance.PARAMETERS, given), desk)


async def test_a_server_that_calls_is_served_and_a_second_one_is_not() -> None:
    desk, port = FakeDesk(8, 4), free_port()
    async with desk.running(instance(desk, port)):
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    break
                except ConnectionRefusedError:
                    await asyncio.sleep(0.01)
        writer.write(OPENING_38 + update(raw()))
        await desk.until(lambda: desk.frames, "a frame")
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.close()


async def test_nobody_calls() -> None:
    with pytest.raises(StatusError, match="No desktop called") as caught:
        await instance(FakeDesk(), free_port(), timeout=10).run()
    assert caught.value.status is Status.UPSTREAM_TIMEOUT


async def test_a_port_that_is_taken_is_named() -> None:
    taken = await asyncio.start_server(lambda _, __: None, "0.0.0.0", 0)
    port = taken.sockets[0].getsockname()[1]
    async with taken:
        with pytest.raises(StatusError, match="is taken") as caught:
            await instance(FakeDesk(), port).run()
        assert caught.value.status is Status.RESOURCE_CONFLICT
