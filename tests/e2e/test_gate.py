"""Instances at the gate, from boot to the open page: real sshd and Xvnc, `instance-report`, and nobody asked to trust."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import pytest

from tests.deploy.machine import Machine
from tests.e2e.screen import Screen
from tests.e2e.site import Site
from tests.servers import processes
from tests.servers.sshd import Sshd
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.real,
    pytest.mark.e2e,
    pytest.mark.skipif(os.getuid() != 0, reason="AuthorizedKeysCommand runs as root"),
]
HOST = "127.0.0.1"


class Place:
    """A site with a gate. Its links name ports where nothing listens: only what an instance reports leads anywhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gate_port = processes.free_port()
        self.command = Path("/usr/local/sbin") / f"instance-report-{folder.name}-{os.getpid()}"
        self.dead = {"ssh": processes.free_port(), "vnc": processes.free_port()}
        sshd = Sshd(
            options=[f"AuthorizedKeysCommand {self.command} keys %u", "AuthorizedKeysCommandUser root"]
        )
        xvnc = Xvnc(640, 480, security="VncAuth", options=["-PasswordFile", str(folder / "vnc-password")])
        self.ports = {"ssh": sshd.port, "vnc": xvnc.port}
        listed = "+".join(str(port) for port in (*self.dead.values(), *self.ports.values()))
        settings = {
            "gate-bind": f"{HOST}:{self.gate_port}",
            "reported-ports": True,
            "v1-ports": f"ssh={self.dead['ssh']},vnc={self.dead['vnc']}",
            "allowed-targets": [f"{HOST}/32:{listed}"],
        }
        self.site = Site(settings=settings, sshd=sshd, xvnc=xvnc)

    def fanlight(self, *words: str, code: int = 0) -> str:
        """Run the command as an operator."""
        command = [str(Path(sys.executable).with_name("fanlight")), *words]
        done = subprocess.run(
            [*command, "--config", str(self.site.folder / "fanlight.toml")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done
        return done.stdout

    @contextlib.contextmanager
    def patience(self, seconds: int) -> Iterator[None]:
        """For so long people wait now: the running broker reads its settings again."""
        before = (self.site.folder / "fanlight.toml").read_text()
        self._reread(before.replace("[broker]", f"[broker]\ngate-patience = {seconds}", 1))
        try:
            yield
        finally:
            self._reread(before)

    def _reread(self, text: str) -> None:
        (self.site.folder / "fanlight.toml").write_text(text)
        read = self.site.log("broker").count("settings read")
        self.site.family("broker")[0].send_signal(signal.SIGHUP)
        processes.wait_for(
            lambda: self.site.log("broker").count("settings read") > read, "the settings are read again"
        )


class Booting:
    """An instance that has booted and said nothing yet.

    Attributes:
        machine: runs `instance-report` on it.
        id, token: by which the gate knows it.
    """

    def __init__(self, place: Place, folder: Path) -> None:
        ports = [f"--port={kind}={port}" for kind, port in place.ports.items()]
        where = ["--address", HOST, "--source", HOST, *ports]
        said = place.fanlight(
            "instance", "add", "--name", "dev-7", "--owner", place.site.sshd.user, *where, "--json"
        )
        row = json.loads(said)
        self.id, self.token = str(row["id"]), row["token"]
        self.place = place
        self.machine = Machine(folder, "curl", f"http://{HOST}:{place.gate_port}", self.token, self.id)
        (folder / "bin" / "sshd").symlink_to(processes.require("sshd"))
        self.machine.configure(SSHD_CONFIG=str(place.site.sshd.folder / "config"), SSH_PORT="")
        Path(self.machine.command(place.command.name))

    def report(self, code: int = 0, **settings: str) -> None:
        """What its timer does; with other words of its configuration."""
        sshd = self.place.site.sshd
        (sshd.folder / "host_key.pub").write_text(f"{sshd.host_key} root@dev-7\n")
        self.machine.configure(**settings)
        self.machine.run(code=code)


@pytest.fixture(scope="module")
def place(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("gate"))
    with made.site:
        (made.site.sshd.folder / "authorized_keys").unlink()  # nobody places keys
        made.site.platform.ports = made.dead
        yield made
    made.command.unlink(missing_ok=True)


@pytest.fixture
def instance(place: Place, tmp_path: Path) -> Iterator[Booting]:
    booting = Booting(place, tmp_path)
    yield booting
    place.fanlight("instance", "remove", booting.id)
    place.site.log_out()


def fingerprint(line: str) -> str:
    return asyncssh.import_public_key(line).get_fingerprint()


def see(page: Page, selector: str) -> str:
    page.wait_for_selector(selector, state="visible", timeout=30_000)
    return page.locator(selector).inner_text()


def keys_told(page: Page) -> list[str]:
    assert "This is not the machine it was" in see(page, "#failure")
    assert page.locator("#failure").get_attribute("data-hop") == "host-key"
    return page.locator("#failure-facts dd").all_inner_texts()


def test_from_boot_to_another_host_key(page: Page, place: Place, instance: Booting) -> None:
    site = place.site
    page.goto(site.link("ssh"))
    page.wait_for_selector("#connecting >> text=Your instance is still starting", timeout=30_000)
    assert not page.locator("#failure").is_visible()
    assert "still starting" in place.fanlight("check", f"{HOST}:22", "--only", "gate", code=3)

    instance.report(DESKTOP="NO")
    shell = Screen(page).wait_for("connected", 60)
    shell.type("echo it-$((40+2))\n")
    shell.wait_for_row(lambda row: row.startswith("it-42"), "the shell answers")
    assert "SHA256" not in "".join(shell.text())
    assert "first time" not in site.log("proxyd")
    assert "is ready" in place.fanlight("check", f"{HOST}:22", "--only", "gate")

    # another machine at the same place: it is known by the pin, then by its own word
    old = site.sshd.fingerprint
    site.sshd.change_host_key()
    new = site.sshd.fingerprint
    for reported in (False, True):
        if reported:
            instance.report()
            assert f"instance={instance.id}" in site.log("broker").partition("host key changed")[2]
        page.goto("about:blank")
        page.goto(site.link("ssh"))
        assert keys_told(page) == [new, old]
        processes.wait_for(lambda: "source=session" in site.log("broker"), "the alarm of the session")
    assert "instance blocked: another host key" in site.log("broker")
    assert new in place.fanlight("check", f"{HOST}:22", "--only", "gate", code=3)

    place.fanlight("instance", "keys", "accept", instance.id, new)
    page.goto("about:blank")
    Screen(page).open(site.link("ssh"))
    assert all(
        secret not in site.log("broker") + site.log("proxyd") for secret in [*site.secrets, instance.token]
    )


def test_an_instance_that_never_gets_ready_is_told_in_a_sentence(
    page: Page, place: Place, instance: Booting
) -> None:
    check = instance.machine.folder / "check"
    check.write_text("#!/bin/sh\nexit 7\n")
    check.chmod(0o755)
    instance.report(code=1, DESKTOP="NO", READY_SCRIPT_PATH=str(check))
    page.goto(place.site.link("ssh"))
    page.wait_for_selector("#connecting >> text=the ready script ended with 7", timeout=30_000)
    with place.patience(1):
        card = see(page, "#failure")
        assert "Your instance is not ready" in card
        assert "that it is not ready. It says: the ready script ended with 7" in card
        assert "has said for" in place.fanlight("check", f"{HOST}:22", "--only", "gate", code=3)
    check.write_text("#!/bin/sh\n")
    instance.report()
    page.locator("#failure-retry").click()
    Screen(page).wait_for("connected", 60)


def test_a_desktop_opens_when_it_runs_by_a_password_of_its_own(
    page: Page, place: Place, instance: Booting
) -> None:
    instance.report(DESKTOP="NO", VNC_PASSWORD_FILE=str(place.folder / "vnc-password"))
    page.goto(place.site.link("vnc"))
    page.wait_for_selector("#connecting >> text=Starting the desktop", timeout=30_000)
    assert not page.locator("#failure").is_visible()
    instance.report(DESKTOP="", VNC_PORT=str(place.ports["vnc"]))
    Screen(page).wait_for("connected", 60)
    page.locator("#menu-handle").click()
    page.locator("#devices > summary").click()
    assert see(page, "#files")  # over SSH, by the pinned key
    assert "first time" not in place.site.log("proxyd")


def test_a_token_from_elsewhere_says_nothing(place: Place, instance: Booting) -> None:
    headers = {"X-ONEGATE-TOKEN": instance.token, "X-ONEGATE-VMID": instance.id}
    answers = []
    for source in ("127.0.0.2", HOST):
        asking = http.client.HTTPConnection(HOST, place.gate_port, timeout=20, source_address=(source, 0))
        asking.request("PUT", "/vm", b"READY=YES", headers)
        answers.append(asking.getresponse().status)
        asking.close()
        shown = json.loads(place.fanlight("instance", "show", instance.id, "--json"))
        answers.append(shown["report"]["ready"])
    assert answers == [401, None, 200, True]
