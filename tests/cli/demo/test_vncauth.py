from __future__ import annotations

import subprocess

import pytest

from broker.cli.demo.vncauth import password_file, response
from tests.servers import processes


def test_response_matches_the_published_vector() -> None:
    assert response("display", bytes(range(16))).hex() == "62a9ec29328f3e9bc04b3976f75eb93d"


def test_only_eight_bytes_of_the_password_count() -> None:
    challenge = bytes(range(16))
    assert response("displays-and-more", challenge) == response("displays", challenge)


@pytest.mark.real
@pytest.mark.parametrize("password", ["display", "abcdefgh", "xyz123"])
def test_password_file_is_what_the_vnc_tool_writes(password: str) -> None:
    tool = processes.require("vncpasswd")
    written = subprocess.run([tool, "-f"], input=password.encode(), capture_output=True, check=True).stdout
    assert password_file(password) == written
