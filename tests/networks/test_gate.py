"""An instance that reaches nothing but its own network reports at the gate through the connector, and is opened by what it said."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.deploy.machine import SCRIPT, Machine
from tests.networks.test_private_network import Lab, fact, private
from tests.servers import processes
from tests.servers.proxyd import Proxyd

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.private import Private

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

__all__ = ["private"]  # a fixture


async def test_an_instance_inside_reports_through_the_connector(
    tmp_path: Path, private: Private, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, inside = f"127.0.0.1:{processes.free_port()}", f"{private.inside}:5030"
    monkeypatch.setenv(
        "FANLIGHT_GATE_BIND", gate
    )  # for the broker; from inside there is no way to its loopback
    async with Proxyd(workers=1, FANLIGHT_GATE_ADDRESS=gate) as daemon:
        lab = Lab(tmp_path / "lab", private, daemon)
        lab.start_broker()
        try:
            connector = lab.begin(lab.new_key(), **{"offer-gate": inside})
            await fact(lambda: "the gate is offered in a private network" in daemon.log, "the gate inside")

            sshd = private.sshd
            (sshd.folder / "host_key.pub").write_text(f"{sshd.host_key} root@inside\n")
            where = [
                "--network",
                "lab",
                "--address",
                private.inside,
                "--owner",
                sshd.user,
                "--source",
                "127.0.0.1",
            ]
            made = json.loads(lab.fanlight("instance", "add", "--name", "inner", *where, "--json"))
            assert "error" in await lab.page()  # it has not said yet that it is ready

            folder = tmp_path / "instance"
            folder.mkdir()
            machine = Machine(folder, "curl", f"http://{inside}", made["token"], str(made["id"]))
            (folder / "bin" / "sshd").symlink_to(processes.require("sshd"))
            machine.configure(SSHD_CONFIG=str(sshd.folder / "config"), SSH_PORT="")

            def report() -> int:
                words = [
                    processes.require("ip"),
                    "netns",
                    "exec",
                    private.name,
                    processes.require("dash"),
                    str(SCRIPT),
                ]
                return subprocess.run(words, env=machine.environment, check=False, timeout=60).returncode

            assert await asyncio.to_thread(report) == 0
            shown: dict[str, Any] = json.loads(lab.fanlight("instance", "show", str(made["id"]), "--json"))
            assert (shown["report"]["ready"], shown["report"]["from"]) == (True, "127.0.0.1")
            assert [pin["fingerprint"] for pin in shown["host_keys"]["pins"]] == [sshd.fingerprint]
            assert "sync" in await lab.page()

            # the connector comes back, and with it the gate
            connector.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(connector.process.wait, 20)
            assert await asyncio.to_thread(report) == 1
            private.restart(connector)
            await fact(lambda: daemon.log.count("the gate is offered") == 2, "the gate inside again")
            assert await asyncio.to_thread(report) == 0
        finally:
            lab.stop_broker()
