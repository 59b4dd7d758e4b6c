"""What runs on an instance, run for real: under dash, with curl alone and with wget alone, with a real sshd."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import pytest
import yaml

from tests.architecture.test_documents import script
from tests.deploy.machine import DEPLOY, SCRIPT, Machine
from tests.fakes.gate import TOKEN, FakeGate
from tests.servers import processes
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="instances run Linux")


@pytest.fixture
def gate() -> Iterator[FakeGate]:
    with FakeGate() as running:
        yield running


@pytest.fixture(params=["curl", "wget"])
def machine(request: pytest.FixtureRequest, tmp_path: Path, gate: FakeGate) -> Machine:
    return Machine(tmp_path, request.param, gate.url, TOKEN)


@pytest.fixture
def either(tmp_path: Path, gate: FakeGate) -> Machine:
    """For what does not hang on how the gate is asked."""
    return Machine(tmp_path, "curl", gate.url, TOKEN)


def said(gate: FakeGate, number: int = -1) -> dict[str, str]:
    """The attributes of a report."""
    lines = gate.reports[number].body.decode().splitlines()
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}


# -- what it says ------------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_it_reports_who_it_is_and_that_it_is_ready(machine: Machine, gate: FakeGate) -> None:
    machine.run()
    (asked,) = gate.reports
    assert asked.headers["x-onegate-token"] == TOKEN
    assert asked.headers["x-onegate-vmid"] == "42"
    assert said(gate) | {
        "READY": "YES",
        "BROKER_SSH_PORT": "2222",
        "BROKER_DESKTOP": "NO",
        "BROKER_AGENT": "instance-report 1",
        "BROKER_ERROR": "",
    } == said(gate)
    assert list(machine.state.iterdir()) == []  # nothing is left lying about


@pytest.mark.real
def test_ports_and_host_keys_are_those_of_sshd(either: Machine, gate: FakeGate) -> None:
    with Sshd() as server:
        (server.folder / "host_key.pub").write_text(f"{server.host_key} root@evil\n")
        either.configure(SSHD_CONFIG=str(server.folder / "config"), SSH_PORT="")
        (either.folder / "bin" / "sshd").symlink_to(processes.require("sshd"))
        either.run()
    assert said(gate)["BROKER_SSH_PORT"] == str(server.port)
    assert said(gate)["BROKER_SSH_HOST_KEY_ED25519"] == server.host_key


@pytest.mark.real
def test_of_several_host_keys_of_one_type_the_first_is_reported_which_sshd_shows(
    either: Machine, gate: FakeGate
) -> None:
    for name in ("first", "second"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(either.folder / name)
        (either.folder / name).chmod(0o600)
        key.write_public_key(either.folder / f"{name}.pub")
    config = either.folder / "sshd_config"
    config.write_text("".join(f"HostKey {either.folder / name}\n" for name in ("first", "second")))
    either.configure(SSHD_CONFIG=str(config))
    (either.folder / "bin" / "sshd").symlink_to(processes.require("sshd"))
    either.run()
    assert said(gate)["BROKER_SSH_HOST_KEY_ED25519"] == (either.folder / "first.pub").read_text().strip()
    assert gate.reports[0].body.count(b"HOST_KEY") == 1


@pytest.mark.real
def test_a_desktop_that_others_can_reach_is_reported(either: Machine, gate: FakeGate) -> None:
    either.configure(VNC_PORT="5905", VNC_SECURITY="x509")
    either.run()
    assert said(gate)["BROKER_DESKTOP"] == "YES"
    assert said(gate)["BROKER_VNC_PORT"] == "5905"
    assert said(gate)["BROKER_VNC_SECURITY"] == "x509"


LISTENING = """
import socket, subprocess, sys
from tests.fakes.gate import FakeGate
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
held = [socket.create_server(place) for place in [("127.0.0.1", 5901), ("0.0.0.0", 6001), ("0.0.0.0", 5907), ("0.0.0.0", 5911)]]
held.append(socket.create_server(("::1", 5902), family=socket.AF_INET6))
with FakeGate() as gate:
    subprocess.run([*sys.argv[1:], f"ONEGATE_ENDPOINT={gate.url}", "sh", "deploy/instance/instance-report"], check=True)
    gate.answers["/desired"] = (200, b'{"users": [], "ports": {"ssh": [22, 22], "vnc": [5908, 5999]}}')
    subprocess.run([*sys.argv[1:], f"ONEGATE_ENDPOINT={gate.url}", "sh", "deploy/instance/instance-report"], check=True)
    print(*(asked.body.decode() for asked in gate.reports))
"""
"""In a network of its own, where something may listen for everybody."""


@pytest.mark.real
@pytest.mark.skipif(os.getuid() != 0, reason="a network of its own needs root")
def test_the_port_of_a_desktop_is_found(either: Machine) -> None:
    either.configuration.write_text(f"VMID=42\nTOKEN_FILE={either.folder}/token\nSSH_PORT=22\n")
    settings = [f"{name}={value}" for name, value in either.environment.items()]
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", LISTENING, "env", *settings],
        cwd=DEPLOY.parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "BROKER_DESKTOP=YES\nBROKER_VNC_PORT=5907\n" in done.stdout, done.stderr
    assert "BROKER_VNC_PORT=5911\n" in done.stdout  # the first that it may report


@pytest.mark.real
def test_the_context_of_opennebula_says_the_same(either: Machine, gate: FakeGate) -> None:
    either.configuration.unlink()
    context = f'export ONEGATE_ENDPOINT="{gate.url}"\nexport TOKENTXT="{TOKEN}"\nexport VMID="7"\nexport SET_HOSTNAME="a b"\n'
    (either.folder / "one_env").write_text(context)
    either.run()
    assert gate.asked[-1].headers["x-onegate-vmid"] == "7"
    assert gate.asked[-1].headers["x-onegate-token"] == TOKEN


@pytest.mark.real
def test_it_tries_three_times(machine: Machine, gate: FakeGate) -> None:
    gate.answers["/vm"] = (500, b"ERROR: the core\x1b[31m is away")
    done = machine.run(code=1)
    assert len(gate.reports) == 3
    assert (
        done.stderr.splitlines()
        == [f"instance-report: the gate {gate.url} answers 500: ERROR: the core [31m is away"] * 3
    )


@pytest.mark.real
def test_a_gate_that_is_not_there(machine: Machine) -> None:
    machine.configure(ONEGATE_ENDPOINT="http://127.0.0.1:9")
    done = machine.run(code=1)
    assert done.stderr.splitlines() == ["instance-report: the gate http://127.0.0.1:9 does not answer"] * 3


@pytest.mark.real
def test_the_token_is_in_no_argument(machine: Machine, gate: FakeGate) -> None:
    """Everybody on the instance can list processes."""
    gate.hold.clear()
    process = subprocess.Popen(
        [processes.require("dash"), str(SCRIPT)], env=machine.environment, stderr=subprocess.DEVNULL
    )
    try:
        processes.wait_for(lambda: bool(gate.asked), "the gate is asked")
        listed = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if readable(path)]
        assert any(str(SCRIPT).encode() in line for line in listed)
        assert not any(TOKEN.encode() in line for line in listed)
    finally:
        gate.hold.set()
        assert process.wait(30) == 0


def readable(path: Path) -> bool:
    try:
        return bool(path.read_bytes())
    except OSError:
        return False


# -- ready -------------------------------------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("encoded", [False, True])
def test_ready_after_its_script_and_only_once(either: Machine, gate: FakeGate, encoded: bool) -> None:
    import base64

    text = f"#!/bin/sh -e\necho ran >>{either.folder}/ran\n"
    either.configure(READY_SCRIPT=base64.b64encode(text.encode()).decode() if encoded else text)
    either.run()
    assert [said(gate, number)["READY"] for number in (0, 1)] == ["NO", "YES"]
    either.run()
    assert len(gate.reports) == 3
    assert (either.folder / "ran").read_text() == "ran\n"


@pytest.mark.real
def test_a_word_that_happens_to_be_base64_is_a_script(either: Machine, gate: FakeGate) -> None:
    either.configure(READY_SCRIPT="exit")
    either.run()
    assert said(gate)["READY"] == "YES"


@pytest.mark.real
def test_not_ready_while_its_script_fails(either: Machine, gate: FakeGate) -> None:
    check = either.folder / "check"
    check.write_text("#!/bin/sh\nexit 3\n")
    check.chmod(0o755)
    either.configure(READY_SCRIPT_PATH=str(check))
    either.run(code=1)
    assert (said(gate)["READY"], said(gate)["BROKER_ERROR"]) == ("NO", "the ready script ended with 3")
    check.write_text("#!/bin/sh\n")
    either.run()
    assert (said(gate)["READY"], said(gate)["BROKER_ERROR"]) == ("YES", "")


# -- keys --------------------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_keys_while_the_gate_is_away_for_a_moment(machine: Machine, gate: FakeGate) -> None:
    gate.answers["/keys/alice"] = (200, b"restrict ssh-ed25519 AAAA alice\n")
    assert machine.run("keys", "alice").stdout == "restrict ssh-ed25519 AAAA alice\n"
    assert oct((machine.state / "keys.alice").stat().st_mode) == "0o100600"
    gate.answers["/keys/alice"] = (502, b"")
    assert machine.run("keys", "alice").stdout == "restrict ssh-ed25519 AAAA alice\n"
    number = len(gate.asked)
    assert machine.run("keys", "alice").stdout  # sshd asks once for each key that is offered
    assert len(gate.asked) == number  # a gate that is away costs time but once
    (machine.state / "away").unlink()
    (machine.state / "keys.alice").write_text(f"# {int(time.time()) - 901}\nssh-ed25519 AAAA alice\n")
    assert machine.run("keys", "alice").stdout == ""


@pytest.mark.real
def test_a_report_brings_the_keys_of_all_who_may_sign_in(machine: Machine, gate: FakeGate) -> None:
    gate.answers["/desired"] = (200, b'{"users": ["alice", "bob", "../vm"], "keys": {"alice": []}}')
    gate.answers["/keys/alice"] = (200, b"ssh-ed25519 AAAA alice\n")
    gate.answers["/keys/bob"] = (200, b"ssh-ed25519 BBBB bob\n")
    machine.run()
    assert [asked.path for asked in gate.asked] == ["/desired", "/vm", "/keys/alice", "/keys/bob"]
    gate.answers["/keys/bob"] = (503, b"")
    assert machine.run("keys", "bob").stdout == "ssh-ed25519 BBBB bob\n"


@pytest.mark.real
@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_no_counts_at_once_and_for_good(machine: Machine, gate: FakeGate, code: int) -> None:
    gate.answers["/keys/alice"] = (200, b"ssh-ed25519 AAAA alice\n")
    machine.run("keys", "alice")
    gate.answers["/keys/alice"] = (code, b"ssh-ed25519 no key")
    assert machine.run("keys", "alice").stdout == ""
    gate.answers["/keys/alice"] = (502, b"")
    assert machine.run("keys", "alice").stdout == ""


@pytest.mark.real
@pytest.mark.parametrize("code", [302, 429, 500, 503])
def test_what_is_no_answer_is_stood_in_for(either: Machine, gate: FakeGate, code: int) -> None:
    """Somebody who knocks at sshd all the time makes the gate say 429: nobody is locked out by that."""
    gate.answers["/keys/alice"] = (200, b"ssh-ed25519 AAAA alice\n")
    either.run("keys", "alice")
    gate.answers["/keys/alice"] = (code, b"ssh-ed25519 EVIL")
    assert either.run("keys", "alice").stdout == "ssh-ed25519 AAAA alice\n"


@pytest.mark.real
def test_keys_that_were_taken_away_are_gone(machine: Machine, gate: FakeGate) -> None:
    gate.answers["/keys/alice"] = (200, b"ssh-ed25519 AAAA alice\n")
    machine.run("keys", "alice")
    gate.answers["/keys/alice"] = (200, b"")
    assert machine.run("keys", "alice").stdout == ""
    gate.answers["/keys/alice"] = (502, b"")
    assert machine.run("keys", "alice").stdout == ""


@pytest.mark.real
@pytest.mark.parametrize("login", ["", "../vm", "Alice", "a b", "-x", "a/b", ".ssh", "a\nb"])
def test_no_keys_for_what_is_no_login(either: Machine, gate: FakeGate, login: str) -> None:
    assert either.run("keys", login).stdout == ""
    assert gate.asked == []


@pytest.mark.real
def test_a_silent_gate_does_not_keep_people_waiting(machine: Machine, gate: FakeGate) -> None:
    gate.hold.clear()
    started = time.monotonic()
    assert machine.run("keys", "alice").stdout == ""
    assert time.monotonic() - started < 30  # 3 to 5 seconds on an idle machine


@pytest.mark.real
def test_an_endless_answer_is_no_answer(machine: Machine, gate: FakeGate) -> None:
    gate.answers["/keys/alice"] = (200, b"#" * 200_000)
    assert machine.run("keys", "alice").stdout == ""


@pytest.mark.real
@pytest.mark.skipif(os.getuid() != 0, reason="AuthorizedKeysCommand runs as root")
async def test_a_key_that_nobody_placed_signs_in(machine: Machine, gate: FakeGate) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = f"restrict,pty {key.export_public_key().decode()}"
    user = pwd.getpwuid(os.getuid()).pw_name
    gate.answers[f"/keys/{user}"] = (200, line.encode())
    command = machine.command(f"instance-report-{machine.folder.name}-{os.getpid()}")
    options = [f"AuthorizedKeysCommand {command} keys %u", "AuthorizedKeysCommandUser root"]
    try:
        with Sshd(options=options) as server:

            async def sign_in() -> str | None:
                async with asyncssh.connect(
                    "127.0.0.1",
                    server.port,
                    username=user,
                    client_keys=[key],
                    known_hosts=None,
                    config=None,
                    agent_path=None,
                ) as connection:
                    return str((await connection.run("echo hi", check=True)).stdout)

            assert await sign_in() == "hi\n"
            gate.answers[f"/keys/{user}"] = (200, b"")
            with pytest.raises(asyncssh.PermissionDenied):
                await sign_in()
    finally:
        Path(command).unlink()


# -- the desktop's password --------------------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("owner", [[], ["nobody"]])
def test_the_password_of_the_desktop(either: Machine, gate: FakeGate, owner: list[str]) -> None:
    gate.answers["/desired"] = (200, b'{"users": ["alice"], "vnc-password": "aB3_-xyZ", "time": 1.5}')
    folder = Path(either.folder / "vnc")
    folder.mkdir(mode=0o700)
    if owner:
        if os.getuid() != 0:
            pytest.skip("becoming somebody else needs root")
        shutil.chown(folder, owner[0])
        for parent in [folder, *folder.parents][:-2]:
            if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
                parent.chmod(parent.stat().st_mode | 0o011)
    either.run("vnc-password", str(folder / "passwd"), *owner)
    (file,) = folder.iterdir()
    expected = subprocess.run(["vncpasswd", "-f"], input=b"aB3_-xyZ\n", capture_output=True, check=True)
    assert file.read_bytes() == expected.stdout
    assert oct(file.stat().st_mode) == "0o100600"
    assert file.owner() == (owner[0] if owner else pwd.getpwuid(os.getuid()).pw_name)


@pytest.mark.real
def test_vncauth_is_reported_once_the_password_is_in_place(either: Machine, gate: FakeGate) -> None:
    either.configure(VNC_PORT="5905")
    either.run()
    assert said(gate)["BROKER_VNC_SECURITY"] == ""
    either.configure(VNC_PASSWORD_FILE=str(either.folder / "passwd"))
    either.run()
    assert said(gate)["BROKER_VNC_SECURITY"] == ""  # the gate gave none
    gate.answers["/desired"] = (200, b'{"users": [], "vnc-password": "aB3_-xyZ"}')
    either.run()
    assert said(gate)["BROKER_VNC_SECURITY"] == "vncauth"
    assert (either.folder / "passwd").exists()
    either.configure(VNC_PASSWORD_FILE="/nonexistent/passwd")
    assert "/nonexistent/passwd cannot be written" in either.run().stderr
    assert said(gate)["BROKER_VNC_SECURITY"] == ""


@pytest.mark.real
def test_no_password_leaves_the_file_as_it_was(either: Machine, gate: FakeGate) -> None:
    file = either.folder / "passwd"
    file.write_bytes(b"before")
    for answer in [(200, b'{"users": []}'), (401, b"Not authorized"), (200, b'{"vnc-password": ""}')]:
        gate.answers["/desired"] = answer
        either.run("vnc-password", str(file), code=1)
    assert file.read_bytes() == b"before"


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"ONEGATE_ENDPOINT": 'http://gate"\noutput = "/etc/passwd'}, "ONEGATE_ENDPOINT"),
        ({"ONEGATE_ENDPOINT": "gopher://gate"}, "ONEGATE_ENDPOINT"),
        ({"ONEGATE_ENDPOINT": ""}, "ONEGATE_ENDPOINT"),
        ({"VMID": "4 2"}, "VMID"),
        ({"VMID": ""}, "VMID"),
        ({"TOKENTXT": 'a"\nurl = "http://evil'}, "token"),
        ({"TOKEN_FILE": "/nonexistent"}, "there is no token"),
    ],
)
def test_settings_that_will_not_do(
    either: Machine, gate: FakeGate, settings: dict[str, str], word: str
) -> None:
    either.configure(**settings)
    assert word in either.run(code=1).stderr
    assert gate.asked == []


@pytest.mark.real
@pytest.mark.parametrize("arguments", [["nonsense"], ["keys"], ["vnc-password"], ["keys", "a", "b"], [""]])
def test_wrong_arguments(either: Machine, arguments: list[str]) -> None:
    assert "usage" in either.run(*arguments, code=2).stderr


@pytest.mark.real
def test_neither_curl_nor_wget(tmp_path: Path, gate: FakeGate) -> None:
    assert "neither curl nor GNU wget" in Machine(tmp_path, "", gate.url, TOKEN).run(code=1).stderr


# -- the files ---------------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run(
        [processes.require("shellcheck"), str(SCRIPT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.real
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyse = processes.require("systemd-analyze")
    for name in ("fanlight-instance.service", "fanlight-instance.timer"):
        text = (DEPLOY / name).read_text().replace("/usr/local/sbin/instance-report", str(SCRIPT))
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [analyse, "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_cloud_init_file_is_up_to_date() -> None:
    assert (DEPLOY / "cloud-init.yaml").read_text() == script("cloud_init").cloud_init(), "run `make docs`"


def test_cloud_init_puts_the_files_in_place() -> None:
    text = (DEPLOY / "cloud-init.yaml").read_text()
    assert text.startswith("#cloud-config\n")
    user_data = yaml.safe_load(text)
    files = {row["path"]: row for row in user_data["write_files"]}
    assert files["/usr/local/sbin/instance-report"]["content"] == SCRIPT.read_text()
    assert files["/usr/local/sbin/instance-report"]["permissions"] == "0755"
    assert {files[f"/etc/fanlight/{name}"]["permissions"] for name in ("token", "instance.conf")} == {"0600"}
    assert all(
        isinstance(row, list) and all(isinstance(word, str) for word in row) for row in user_data["runcmd"]
    )


ON_AN_INSTANCE = pytest.mark.skipif(
    shutil.which("cloud-init") is None, reason="cloud-init is at home on instances"
)
BOOT = """
cp -a /etc {folder}/etc && mount --bind {folder}/etc /etc
for place in /usr/local/sbin /run /var/lib /var/log; do mount -t tmpfs none $place; done
cloud-init --file {folder}/user-data single --name write_files --frequency always >/dev/null 2>&1
exec /usr/local/sbin/instance-report
"""
"""In a namespace of mounts, whose files are gone with it."""


@pytest.mark.real
@ON_AN_INSTANCE
@pytest.mark.skipif(os.getuid() != 0, reason="instances are set up by root")
def test_what_cloud_init_installs_reports(gate: FakeGate, tmp_path: Path) -> None:
    text = (DEPLOY / "cloud-init.yaml").read_text()
    text = text.replace("https://gate.example.org", gate.url).replace("      TOKEN\n", f"      {TOKEN}\n")
    (tmp_path / "user-data").write_text(text)
    words = ["unshare", "--mount", "sh", "-c", BOOT.format(folder=tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done
    assert said(gate)["READY"] == "YES"
    assert (gate.reports[0].headers["x-onegate-vmid"], gate.reports[0].headers["x-onegate-token"]) == (
        "42",
        TOKEN,
    )


@pytest.mark.real
@ON_AN_INSTANCE
def test_cloud_init_takes_the_file() -> None:
    command = ["cloud-init", "schema", "-c", str(DEPLOY / "cloud-init.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
