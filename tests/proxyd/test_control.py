"""Sockets and messages across the pair, however the kernel cuts them."""

from __future__ import annotations

import socket

from proxyd.control import Control, Dispatch, Finished


async def test_connections_arrive_with_their_sockets_in_order() -> None:
    left, right = socket.socketpair()
    supervisor, worker = Control(left), Control(right)
    peers = []
    for number in range(20):
        ours, theirs = socket.socketpair()
        peers.append(ours)
        with theirs:
            await supervisor.dispatch(Dispatch(f"${number}", bytes([number]) * 3000), theirs)
    for number, ours in enumerate(peers):
        message = await worker.receive()
        assert message is not None
        dispatch, connection = message
        assert dispatch == Dispatch(f"${number}", bytes([number]) * 3000)
        with connection, ours:
            connection.sendall(b"hello")
            assert ours.recv(5) == b"hello"
    await worker.send(Finished("$3"))
    await worker.send(Finished("$4"))
    assert await supervisor.finished() == Finished("$3")
    assert await supervisor.finished() == Finished("$4")
    supervisor.close()
    assert await worker.receive() is None
    await worker.send(Finished("$5"))  # nobody listens: no news
    worker.close()


async def test_a_connection_nobody_took_is_closed() -> None:
    left, right = socket.socketpair()
    supervisor, worker = Control(left), Control(right)
    ours, theirs = socket.socketpair()
    with theirs:
        for name in ("$1", "$2"):
            await supervisor.dispatch(Dispatch(name, b""), theirs)
    message = await worker.receive()
    assert message is not None
    message[1].close()
    worker.close()
    supervisor.close()
    ours.settimeout(5)
    with ours:
        assert ours.recv(1) == b""
