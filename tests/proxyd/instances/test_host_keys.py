from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import asyncssh
import pytest

from proxyd.instances.host_keys import HostKeyFiles, Trust, find_trust, pin
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from pathlib import Path

HOST, PORT = "10.1.2.3", 22


def key(kind: str = "ssh-ed25519") -> asyncssh.SSHKey:
    return asyncssh.generate_private_key(kind)


def line(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


ONE, OTHER = key(), key()


@pytest.mark.parametrize(
    "text",
    [
        line(ONE),
        f"{HOST} {line(ONE)}",
        f"[other.example]:2222,1.2.3.4 {line(ONE)} a comment",
        f"# a comment\n\n{line(ONE)}\n",
        f"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {line(ONE)}",
    ],
    ids=["key", "host", "hosts", "comment", "hashed"],
)
def test_the_connection_s_line_is_all_that_is_trusted(text: str, tmp_path: Path) -> None:
    pin(HOST, PORT, OTHER, tmp_path / "pins")
    trust = find_trust(HOST, PORT, text, HostKeyFiles(pins=tmp_path / "pins"))
    assert trust.keys == [ONE.convert_to_public()]
    assert not trust.accepts(OTHER)


def test_an_authority_in_the_connection_s_line() -> None:
    trust = find_trust(HOST, PORT, f"@cert-authority * {line(ONE)}", HostKeyFiles())
    assert trust.authorities == [ONE.convert_to_public()]
    assert not trust.first_time


@pytest.mark.parametrize("text", ["nonsense", "ssh-ed25519", "10.1.2.3 ssh-ed25519 AAAA", "# only a comment"])
def test_a_line_that_is_no_key_is_an_error(text: str) -> None:
    with pytest.raises(StatusError) as caught:
        find_trust(HOST, PORT, text, HostKeyFiles())
    assert caught.value.hop is Hop.HOST_KEY
    assert caught.value.status is Status.SERVER_ERROR


def test_a_machine_that_is_met_for_the_first_time_is_pinned(tmp_path: Path) -> None:
    files = HostKeyFiles(pins=tmp_path / "folder" / "pins")
    trust = find_trust(HOST, PORT, "", files)
    assert trust.first_time
    assert trust.accepts(ONE)
    assert files.pins
    pin(HOST, PORT, ONE, files.pins)
    assert find_trust(HOST, PORT, "", files).keys == [ONE.convert_to_public()]
    assert find_trust(HOST, 2222, "", files).first_time
    assert find_trust("10.1.2.4", PORT, "", files).first_time
    assert stat.S_IMODE(files.pins.stat().st_mode) == 0o600


def test_ports_are_different_machines(tmp_path: Path) -> None:
    pins = tmp_path / "pins"
    pin(HOST, 2222, ONE, pins)
    pin(HOST, 2223, OTHER, pins)
    assert find_trust(HOST, 2222, "", HostKeyFiles(pins=pins)).keys == [ONE.convert_to_public()]
    assert find_trust(HOST, 2223, "", HostKeyFiles(pins=pins)).keys == [OTHER.convert_to_public()]


def test_a_pin_is_written_once(tmp_path: Path) -> None:
    pins = tmp_path / "pins"
    pin(HOST, PORT, ONE, pins)
    pin(HOST, PORT, OTHER, pins)
    assert pins.read_text().splitlines() == [f"[{HOST}]:{PORT} {line(ONE)}"]


def test_a_pin_that_cannot_be_written_does_not_stop_the_session(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    pin(HOST, PORT, ONE, tmp_path / "file" / "pins")


def test_the_operator_s_file_stands_before_pins(tmp_path: Path) -> None:
    known, pins = tmp_path / "known_hosts", tmp_path / "pins"
    known.write_text(f"10.1.*.* {line(ONE)}\n@revoked * {line(OTHER)}\n")
    pin(HOST, PORT, OTHER, pins)
    trust = find_trust(HOST, PORT, "", HostKeyFiles(known, pins))
    assert trust.keys == [ONE.convert_to_public()]
    assert trust.revoked == [OTHER.convert_to_public()]
    assert find_trust("192.0.2.1", PORT, "", HostKeyFiles(known)).revoked


@pytest.mark.parametrize("name", ["waldo.example.org", "waldo", "fe80::1", HOST])
def test_a_machine_with_a_name_is_known_again(name: str, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"{name} {line(ONE)}\n")
    assert find_trust(name, PORT, "", HostKeyFiles(known)).keys == [ONE.convert_to_public()]


def test_a_damaged_file_of_the_operator_stops_the_session(tmp_path: Path) -> None:
    (tmp_path / "known").write_text("@nonsense line here\n")
    with pytest.raises(StatusError) as caught:
        find_trust(HOST, PORT, "", HostKeyFiles(tmp_path / "known"))
    assert caught.value.hop is Hop.HOST_KEY


def test_missing_files_mean_that_nothing_is_known(tmp_path: Path) -> None:
    assert find_trust(HOST, PORT, "", HostKeyFiles(tmp_path / "no", tmp_path / "nothing")).first_time


def test_a_changed_key_is_reported_with_both_fingerprints() -> None:
    trust = Trust(keys=[ONE])
    assert not trust.accepts(OTHER)
    failure = trust.failure()
    assert failure.hop is Hop.HOST_KEY
    assert ONE.get_fingerprint() in failure.message
    assert OTHER.get_fingerprint() in failure.message


def test_a_strict_operator_lets_nobody_pin(tmp_path: Path) -> None:
    pins = tmp_path / "pins"
    trust = find_trust(HOST, PORT, "", HostKeyFiles(pins=pins, strict=True))
    assert not trust.accepts(ONE)
    failure = trust.failure()
    assert failure.hop is Hop.HOST_KEY
    assert ONE.get_fingerprint() in failure.message
    pin(HOST, PORT, ONE, pins)
    assert find_trust(HOST, PORT, "", HostKeyFiles(pins=pins, strict=True)).keys == [ONE.convert_to_public()]
    assert find_trust(HOST, PORT, line(OTHER), HostKeyFiles(pins=pins, strict=True)).keys == [
        OTHER.convert_to_public()
    ]


def test_types_are_known() -> None:
    assert Trust(keys=[ONE, key("ecdsa-sha2-nistp256")]).types == {"ssh-ed25519", "ecdsa-sha2-nistp256"}


@pytest.mark.parametrize("host", ["*", "a b", "x\n[10.1.2.3]:22", "a,b", "!a", "[a]", "", "|1|x"])
def test_a_name_that_means_more_than_a_machine_is_not_written(tmp_path: Path, host: str) -> None:
    pin(host, PORT, ONE, tmp_path / "pins")
    assert not (tmp_path / "pins").exists()
