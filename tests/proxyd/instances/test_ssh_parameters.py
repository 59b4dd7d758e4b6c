from __future__ import annotations

import pytest

from proxyd.instances.parameters import Arguments
from proxyd.instances.ssh_parameters import PARAMETERS

GUACD = """
hostname host-key port timeout username password font-name font-size enable-sftp sftp-root-directory
sftp-disable-download sftp-disable-upload private-key passphrase public-key enable-agent color-scheme command
typescript-path typescript-name create-typescript-path typescript-write-existing recording-path recording-name
recording-exclude-output recording-exclude-mouse recording-include-keys recording-include-clipboard
create-recording-path recording-write-existing read-only server-alive-interval backspace func-keys-and-keypad
terminal-type scrollback locale timezone clipboard-buffer-size disable-copy disable-paste wol-send-packet wol-mac-addr
wol-broadcast-addr wol-udp-port wol-wait-time
""".split()  # noqa: SIM905 - a table


def test_guacd_s_parameters_come_first_and_in_its_order() -> None:
    assert [row.name for row in PARAMETERS][: len(GUACD)] == GUACD
    assert len(GUACD) == 46


def test_names_are_unique() -> None:
    names = [row.name for row in PARAMETERS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["password", "private-key", "passphrase"])
def test_secrets_are_marked(name: str) -> None:
    assert next(row for row in PARAMETERS if row.name == name).secret


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("port", "", 22), ("timeout", "", 10), ("font-size", "", 12), ("font-size", "4000", 96), ("scrollback", "-5", 0),
        ("backspace", "8", 8), ("server-alive-interval", "-3", 0), ("clipboard-buffer-size", "1", 262144),
    ],
)  # fmt: skip
def test_numbers(name: str, given: str, value: int) -> None:
    assert Arguments(PARAMETERS, {name: given}).number(name) == value


def test_the_terminal_says_what_it_is() -> None:
    assert Arguments(PARAMETERS, {}).text("terminal-type") == "xterm-256color"
