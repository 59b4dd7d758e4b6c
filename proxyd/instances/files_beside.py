"""Files beside a desktop: an SSH login of its own for SFTP (`enable-sftp` of the `vnc` protocol)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from proxyd.instances.parameters import Arguments
from proxyd.instances.sftp import SftpFilesystem
from proxyd.instances.ssh_connection import connected
from proxyd.instances.ssh_parameters import PARAMETERS
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from proxyd.instances.base import Desk

__all__ = ["serve_files"]

log = structlog.get_logger()

BORROWED = {
    "host-key": "sftp-host-key",
    "host-key-alias": "sftp-host-key-alias",
    "timeout": "sftp-timeout",
    "username": "sftp-username",
    "password": "sftp-password",
    "private-key": "sftp-private-key",
    "passphrase": "sftp-passphrase",
    "public-key": "sftp-public-key",
    "server-alive-interval": "sftp-server-alive-interval",
}
"""Parameters of an SSH connection, and where a desktop's parameters say the same."""


class _Nobody:
    """There is no terminal to ask in."""

    async def ask(self, prompt: str, *, secret: bool) -> str:
        raise StatusError(Status.CLIENT_UNAUTHORIZED, "The file transfer would need an answer.", Hop.SIGN_IN)

    def show(self, text: str) -> None:
        """A banner has nobody to read it."""


async def serve_files(arguments: Arguments, desk: Desk) -> None:
    """Offer the instance's files while the desktop runs, where that is wanted.

    Runs until cancelled or the login is lost. What goes wrong is logged: the desktop works without files.
    """
    if not arguments.flag("enable-sftp"):
        return
    try:
        login = _login(arguments)
        async with connected(
            login,
            desk.transport,
            _Nobody(),
            desk.host_key_files,
            desk.connection_id,
            known_as=desk.transport.known_as(login.text("hostname")),
        ) as (connection, client, _):
            filesystem = await SftpFilesystem.open(
                connection,
                arguments.text("sftp-root-directory"),
                arguments.text("sftp-directory"),
                downloads=not arguments.flag("sftp-disable-download"),
                uploads=not arguments.flag("sftp-disable-upload"),
            )
            desk.expose(filesystem)
            await client.lost.wait()
            log.warning("the file transfer was lost", connection=desk.connection_id)
    except StatusError as error:
        log.warning(
            "no file transfer", connection=desk.connection_id, hop=error.hop.value, reason=error.message
        )


def _login(arguments: Arguments) -> Arguments:
    given = {
        "hostname": arguments.text("sftp-hostname") or arguments.text("hostname"),
        "port": str(arguments.number("sftp-port")),
    }
    return Arguments(
        PARAMETERS, given | {ours: arguments.written(theirs) for ours, theirs in BORROWED.items()}
    )
