from __future__ import annotations

import os
import socket
import sys

import pytest

from broker.cli.demo.ports import free_port, holder, is_free


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not is_free(port)
        assert free_port(port) != port
    assert is_free(port)
    assert free_port(port) == port


@pytest.mark.skipif(sys.platform != "linux", reason="read from proc(5)")
def test_the_holder_of_a_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert holder(taken.getsockname()[1]).endswith(f", process {os.getpid()}")


def test_nobody_holds_a_free_port() -> None:
    assert holder(free_port()) == ""
