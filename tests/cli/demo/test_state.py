from __future__ import annotations

import stat
from pathlib import Path

import asyncssh
import pytest

from broker.cli.demo.state import USER, claim, default_folder
from broker.cli.outcome import CommandError
from broker.keys import KeyDirectory
from broker.settings import Settings as BrokerSettings
from proxyd.settings import Settings as ProxydSettings
from proxyd.sources import load


def test_both_daemons_read_what_is_written(tmp_path: Path) -> None:
    with claim(tmp_path / "demo") as state:
        key = asyncssh.generate_private_key("ssh-ed25519")
        state.write_key(key)
        path = state.write_settings(port=1001, proxyd_port=1002, ssh_port=1003, vnc_port=1004)
        broker = load(BrokerSettings, config=path, environ={}, flags={}, section="broker")
        proxyd = load(ProxydSettings, config=path, environ={}, flags={}, section="proxyd")
        assert (broker.unknown, proxyd.unknown) == ((), ())
        assert (broker.settings.bind, proxyd.settings.bind) == ("127.0.0.1:1001", "127.0.0.1:1002")
        assert broker.settings.v1_ports == {"ssh": 1003, "vnc": 1004}
        assert broker.settings.secret_key.get_secret_value() == state.secret
        found = KeyDirectory(broker.settings.key_directory, broker.settings.key_names).read(USER)
        assert found is not None
        assert asyncssh.import_private_key(found.text).export_public_key() == key.export_public_key()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_demos_do_not_share_a_folder_and_the_next_one_starts_clean(tmp_path: Path) -> None:
    with claim(tmp_path / "demo") as first:
        first.write_settings(port=1, proxyd_port=2, ssh_port=3, vnc_port=4)
        (first.folder / "keys").mkdir()
        with claim(tmp_path / "demo") as second:
            assert second.folder != first.folder
            assert second.secret != first.secret
    with claim(tmp_path / "demo") as third:
        assert third.folder == first.folder
        assert [path.name for path in third.folder.iterdir()] == ["lock"]


def test_a_folder_that_is_not_a_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(CommandError, match="was not made by a demo"), claim(tmp_path):
        pass
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="file/demo cannot be used"), claim(tmp_path / "file" / "demo"):
        pass


def test_state_is_kept_where_the_desktop_standard_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "fanlight" / "demo"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert default_folder() == Path.home() / ".local/state/fanlight/demo"
