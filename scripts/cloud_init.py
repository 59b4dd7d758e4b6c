"""Write `deploy/instance/cloud-init.yaml` out of the files beside it, so that each is kept in one place."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

FOLDER = Path(__file__).parents[1] / "deploy" / "instance"

HEAD = """\
#cloud-config
# User data that makes an instance speak for itself at Fanlight's gate. Put in the address, the id and the token, which
# `fanlight instance add` printed; drop instance.conf and token where OpenNebula's context has them.
# Written by `make docs` out of the files in this folder.
write_files:
"""
FILES = [
    ("instance.conf", "/etc/fanlight/instance.conf", "0600"),
    ("token", "/etc/fanlight/token", "0600"),
    ("instance-report", "/usr/local/sbin/instance-report", "0755"),
    ("sshd-fanlight.conf", "/etc/ssh/sshd_config.d/fanlight.conf", "0644"),
    ("fanlight-instance.service", "/etc/systemd/system/fanlight-instance.service", "0644"),
    ("fanlight-instance.timer", "/etc/systemd/system/fanlight-instance.timer", "0644"),
]
"""File of the folder, where it goes, its mode."""
TAIL = """\
runcmd:
  - [chmod, "0700", /etc/fanlight]
  - [systemctl, daemon-reload]
  - [systemctl, enable, --now, fanlight-instance.timer]
  - [sh, -c, "systemctl reload ssh || systemctl reload sshd"]
"""


def cloud_init() -> str:
    """The whole file."""
    return HEAD + "".join(_file(*row) for row in FILES) + TAIL


def _file(name: str, path: str, mode: str) -> str:
    content = "TOKEN\n" if name == "token" else (FOLDER / name).read_text()
    return f'  - path: {path}\n    permissions: "{mode}"\n    content: |\n{indent(content, " " * 6)}'


if __name__ == "__main__":
    (FOLDER / "cloud-init.yaml").write_text(cloud_init())
