"""What a session is told of the instance that it begins on: whether to wait, where it listens, by which keys it is known.

Only what begins asks here: whoever comes back to a running session comes back whatever the gate says. An instance is
found by the address that the connection names, in its private network where it names one. Behind jump hosts that is
the address as the last of them knows it, in no network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import asyncssh
import structlog

from broker.auth.base import Reason, RefusedError
from broker.commands import EXEC
from broker.gate.alarms import sound
from broker.gate.host_keys import SESSION, HostKeyError
from broker.gate.instance import PORTS
from broker.gate.shown import clean
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from broker.auth.base import Connection
    from broker.gate.host_keys import HostKeys, PinnedKeys
    from broker.gate.instance import Instance
    from broker.gate.instances import Instances
    from broker.gate.reports import Report, Reports
    from broker.keyring import KeyRing
    from broker.metrics import Metrics

__all__ = ["Introductions", "Policy", "Starting", "contradiction", "starting"]

AUTHORITY = "@cert-authority"


class Policy(NamedTuple):
    """What settings say of it.

    Attributes:
        patience: seconds for which an instance that starts is waited for, or its desktop.
        vnc_password: the one for the world, which an instance's own replaces.
    """

    patience: float
    vnc_password: str


class Starting(NamedTuple):
    """What is waited for.

    Attributes:
        hop: the instance, or its desktop alone.
        seconds: since when.
        words: what the instance says has gone wrong; empty where it says nothing.
        over: it took longer than anybody waits: the instance still says that it is not ready.
    """

    hop: Hop
    seconds: int
    words: str
    over: bool = False

    @property
    def message(self) -> str:
        """One sentence, and the instance's own words."""
        said = f" It says: {self.words}" if self.words else ""
        if self.over:
            return f"The instance has said for {_span(self.seconds)} that it is not ready.{said}"
        what = "The instance is still starting" if self.hop is Hop.INSTANCE else "The desktop is starting"
        return f"{what} (since {self.seconds} s).{said}"

    @property
    def state(self) -> str:
        """How the page is told."""
        if self.over:
            return "not-ready"
        return "starting" if self.hop is Hop.INSTANCE else "starting-desktop"

    @property
    def error(self) -> StatusError:
        """Why no session begins."""
        status = Status.RESOURCE_CONFLICT if self.over else Status.SERVER_BUSY
        return StatusError(status, self.message, self.hop)


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


class Introductions:
    """Tells sessions what the gate knows.

    Attributes:
        policy: in force; it may change.
    """

    def __init__(
        self,
        instances: Instances,
        reports: Reports,
        host_keys: PinnedKeys,
        ring: KeyRing,
        permit: Callable[[str, Connection], Awaitable[Connection]],
        metrics: Metrics,
        clock: Callable[[], float],
        policy: Policy,
    ) -> None:
        """Describe them.

        Args:
            instances: which there are.
            reports: what they said.
            host_keys: by which they are known.
            ring: the keys, which may let reported ports be used.
            permit: raises RefusedError for a connection that this key may not lead to.
            metrics: what is counted.
            clock: Unix seconds.
            policy: what settings say.
        """
        self._instances = instances
        self._reports = reports
        self._host_keys = host_keys
        self._ring = ring
        self._permit = permit
        self._metrics = metrics
        self._clock = clock
        self.policy = policy

    async def introduce(self, key_id: str, connection: Connection) -> Connection:
        """A connection with what the gate knows of its instance, once that may be opened.

        Args:
            key_id: the key that signed for it.
            connection: with its tokens filled in.

        Raises:
            StatusError: the instance is starting (SERVER_BUSY), says for too long that it is not ready (RESOURCE_CONFLICT),
                or is not the machine it was (SERVER_ERROR).
        """
        given = connection.parameters
        instance = await self._at(key_id, given, "hostname")
        if instance is not None:
            report = await self._reports.find(instance.id)
            await self._check_keys(instance)
            self._check_readiness(instance, report, connection)
            connection = await self._told(instance, report, key_id, connection)
        if connection.protocol == "vnc" and given.get("enable-sftp") == "true":
            beside = (
                await self._at(key_id, given, "sftp-hostname") if given.get("sftp-hostname") else instance
            )
            if beside is not None:
                if beside is not instance:
                    await self._check_keys(beside)
                connection = await self._told_beside(beside, key_id, connection)
        return connection

    async def met(self, key_id: str, connection: Connection, line: str) -> None:
        """A session was shown another host key than the known one: where that was pinned here, it is an alarm.

        Args:
            key_id: the key that signed for the connection.
            connection: of the session.
            line: the key, as OpenSSH writes it.
        """
        instance = await self._at(key_id, connection.parameters, "hostname")
        if instance is None or not (await self._host_keys.find(instance.id)).pins:
            return
        address = connection.parameters["hostname"]
        try:
            _, alarms = await self._host_keys.saw(instance.id, [line], SESSION, address)
        except HostKeyError as error:
            structlog.get_logger().warning("host key not read", instance=instance.id, reason=str(error))
            return
        sound(alarms, instance.id, self._metrics)

    async def state(self, key_id: str, connection: Connection) -> dict[str, str]:
        """What the page shows of an instance before it is opened; nothing where the gate knows nothing."""
        instance = await self._at(key_id, connection.parameters, "hostname")
        if instance is None:
            return {}
        if contradiction(await self._host_keys.find(instance.id)) is not None:
            return {"instance-state": "blocked"}
        report = await self._reports.find(instance.id)
        wait = starting(instance, report, connection.protocol, self._clock(), self.policy.patience)
        if wait is None:
            return {"instance-state": "ready"} if report.ready else {}
        words = {"instance-words": wait.words} if wait.words else {}
        return {"instance-state": wait.state, "instance-since": str(wait.seconds), **words}

    async def _at(self, key_id: str, parameters: Mapping[str, str], name: str) -> Instance | None:
        address = parameters.get(name, "")
        return await self._instances.at(key_id, parameters.get("network", ""), address) if address else None

    # -- whether it may be opened --------------------------------------------------------------------------------------

    async def _check_keys(self, instance: Instance) -> None:
        keys = await self._host_keys.find(instance.id)
        refusal = contradiction(keys)
        if refusal is not None:
            self._metrics.gate_blocked.inc()
            log = structlog.get_logger()
            log.warning("instance blocked: another host key", instance=instance.id, reason=refusal.message)
            raise refusal

    def _check_readiness(self, instance: Instance, report: Report, connection: Connection) -> None:
        wait = starting(instance, report, connection.protocol, self._clock(), self.policy.patience)
        if wait is not None:
            raise wait.error

    # -- what is told of it --------------------------------------------------------------------------------------------

    async def _told(
        self, instance: Instance, report: Report, key_id: str, connection: Connection
    ) -> Connection:
        kind = "ssh" if connection.protocol in {"ssh", EXEC} else "vnc"
        connection = await self._moved(instance, report, key_id, connection, (kind, "hostname", "port"))
        if kind == "ssh":
            return await self._recognised(instance, connection, "host-key")
        return _with_password(instance, report, connection, self.policy.vnc_password)

    async def _told_beside(self, instance: Instance, key_id: str, connection: Connection) -> Connection:
        """The same for the SSH login that brings the files of a desktop."""
        report = await self._reports.find(instance.id)
        names = ("ssh", "sftp-hostname", "sftp-port")
        connection = await self._moved(instance, report, key_id, connection, names)
        return await self._recognised(instance, connection, "sftp-host-key")

    async def _moved(
        self,
        instance: Instance,
        report: Report,
        key_id: str,
        connection: Connection,
        names: tuple[str, str, str],
    ) -> Connection:
        """The connection with the port that the instance reported, where its platform's key permits that one."""
        kind, host, name = names
        port = report.text(f"BROKER_{kind.upper()}_PORT").strip()
        entry = self._ring.entry(key_id)
        fixed = entry is None or not entry.limits.reported_ports or name in entry.limits.forced
        if fixed or not port or port == connection.parameters.get(name, ""):
            return connection
        moved = _with(connection, **{name: port})
        try:
            if not _in_range(instance, kind, port):
                raise RefusedError(Reason.TARGET_NOT_ALLOWED, "not among the ports of the instance")
            asked = moved.parameters.get(host) or moved.parameters.get("hostname", "")
            await self._permit(key_id, _with(moved, **{host: asked}))
        except RefusedError as error:
            structlog.get_logger().warning(
                "reported port not used", instance=instance.id, port=port[:16], reason=str(error)
            )
            return connection
        return moved

    async def _recognised(self, instance: Instance, connection: Connection, name: str) -> Connection:
        """The connection with the pinned keys; one that names keys itself is held to both."""
        keys = await self._host_keys.find(instance.id)
        if not keys.pins:
            return connection
        own = connection.parameters.get(name, "")
        if (
            AUTHORITY in own
        ):  # who may vouch for a key cannot be compared with keys: its platform's word holds
            return connection
        return _with(connection, **{name: _both(keys, own) if own.strip() else keys.lines})


def starting(
    instance: Instance, report: Report, protocol: str, now: float, patience: float
) -> Starting | None:
    """What is waited for before a session begins, if anything is.

    Args:
        instance: to which it leads.
        report: what it said last.
        protocol: of the connection.
        now: Unix seconds.
        patience: see `Policy`.
    """
    words = clean(report.text("BROKER_ERROR"))
    if report.waited_for(instance, now, patience):
        elapsed = _elapsed(instance, report, "READY", now, patience)
        return Starting(Hop.INSTANCE, elapsed, words, over=elapsed >= patience)
    elapsed = _elapsed(instance, report, "BROKER_DESKTOP", now, patience)
    if protocol == "vnc" and _no_desktop_yet(report) and elapsed < patience:
        return Starting(Hop.DESKTOP, elapsed, words)
    return None


def _no_desktop_yet(report: Report) -> bool:
    """Whether an instance says that its desktop does not run, or tells its ports and has none for it."""
    said = report.text("BROKER_DESKTOP").strip().upper()
    if said in {"YES", "NO"}:
        return said == "NO"
    return bool(report.text("BROKER_SSH_PORT")) and not report.text("BROKER_VNC_PORT")


def _elapsed(instance: Instance, report: Report, name: str, now: float, patience: float) -> int:
    """Seconds since an attribute took its value. Before the first word an instance is starting, for as long as `patience`."""
    late = (
        report.first > instance.booted + patience
    )  # such as one that waited for its place before it could boot
    began = report.first if late else instance.booted
    return max(0, int(now - max(began, report.since.get(name, 0.0))))


def _in_range(instance: Instance, kind: str, port: str) -> bool:
    low, high = instance.ports.get(kind, PORTS[kind])
    return port.isascii() and port.isdigit() and len(port) <= 5 and low <= int(port) <= high


def _with_password(instance: Instance, report: Report, connection: Connection, world: str) -> Connection:
    """The connection with the instance's own password, where it took that over and the link carries none of its own."""
    takes = report.text("BROKER_VNC_SECURITY").strip().lower() == "vncauth"
    if not takes or not instance.vnc_password or connection.parameters.get("password", "") not in {"", world}:
        return connection
    return _with(connection, password=instance.vnc_password)


def _with(connection: Connection, **parameters: str) -> Connection:
    return replace(connection, parameters={**connection.parameters, **parameters})


# -- keys --------------------------------------------------------------------------------------------------------------


def contradiction(keys: HostKeys) -> StatusError | None:
    """Why no session begins on an instance: it showed another key than the pinned one, and nobody has decided yet."""
    for row in reversed(keys.mismatches):
        if row.expected:
            return _not_the_same(row.shown.fingerprint, row.expected)
    return None


def _both(keys: HostKeys, own: str) -> str:
    """The keys that are pinned and that the link names, in lines of known_hosts.

    Raises:
        StatusError: there is none.
    """
    pinned = {pin.line: pin for pin in keys.pins}
    named = list(filter(None, map(_key_in, own.splitlines())))
    common = [line for line, _ in named if line in pinned]
    if not common:
        shown = " or ".join(fingerprint for _, fingerprint in named) or "that the link names"
        raise _not_the_same(" or ".join(pin.fingerprint for pin in keys.pins), shown)
    return "\n".join(f"* {line}" for line in common)


def _key_in(text: str) -> tuple[str, str] | None:
    """Type and base64 of a line of known_hosts, and their fingerprint."""
    words = text.split()
    for index in range(min(3, len(words) - 1)):
        try:
            key = asyncssh.import_public_key(" ".join(words[index : index + 2]))
        except asyncssh.KeyImportError:
            continue
        line = " ".join(key.export_public_key().decode().split()[:2])
        return line, key.get_fingerprint()
    return None


def _not_the_same(shown: str, expected: str) -> StatusError:
    reason = f"The instance shows the host key {shown}, but {expected} is expected."
    return StatusError(Status.SERVER_ERROR, reason, Hop.HOST_KEY)
