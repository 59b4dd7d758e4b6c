"""Listening, and stopping: the only file that opens the broker's ports."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from broker.app import make_app
from broker.gate.app import make_gate
from broker.gate.listener import GateListener
from broker.networks.listener import Listener
from broker.parts import PARTS
from broker.patience import Patience
from broker.reload import read_again

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.settings import Settings

__all__ = ["ListenError", "run", "serve"]

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
CLOSING_TIMEOUT = 5.0
"""Seconds that requests under way have once nothing new is accepted."""
KEEP_ALIVE = 75.0
"""Seconds that a connection may rest between requests; longer than fronts keep theirs."""
SWEEP_INTERVAL = 5.0
BACKLOG = 512


class ListenError(Exception):
    """A port cannot be opened. The text names the setting.

    Attributes:
        in_use: whether another program has it.
    """

    def __init__(self, message: str, *, in_use: bool) -> None:
        super().__init__(message)
        self.in_use = in_use


async def serve(
    settings: Settings,
    ready: Callable[[str], None] = lambda _: None,
    load: Callable[[], Settings] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends at once.

    SIGHUP has settings, the key ring and the extensions read anew.

    Args:
        settings: how.
        ready: called with the address once the broker accepts connections.
        load: gives the settings as their sources are at SIGHUP; raises SettingsError.

    Raises:
        ListenError: an address cannot be opened.
        StoreError, OSError, KeyRingError, SettingsError: see `make_app`.
    """
    app = make_app(settings)
    runner = web.AppRunner(
        app, shutdown_timeout=CLOSING_TIMEOUT, handle_signals=False, keepalive_timeout=KEEP_ALIVE
    )
    metrics = web.AppRunner(_metrics_app(app), access_log=None, shutdown_timeout=0.1)
    stop = _Stop()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, read_again, app[PARTS], load)
    connectors = Listener(app[PARTS].relays)
    gate = GateListener(make_gate(app[PARTS]), settings.gate_proxy_protocol)
    await runner.setup()
    await metrics.setup()
    await gate.runner.setup()
    watches = [
        asyncio.create_task(_watch(each), name="close silent connections") for each in (runner, gate.runner)
    ]
    try:
        address = await _listen(runner, "bind", settings.bind)
        if settings.metrics_bind:
            await _listen(metrics, "metrics-bind", settings.metrics_bind)
        if settings.connector_bind:
            await _listen_for_connectors(connectors, settings.connector_bind)
        if app[PARTS].gate_policy.bind:
            await _listen_for_instances(gate, app[PARTS].gate_policy.bind)
        structlog.get_logger().info("listening", bind=address, base_path=settings.base_path)
        ready(address)
        await stop.asked()
        await _drain(app, app[PARTS].settings.drain_timeout, stop)
    finally:
        stop.close()
        for watch in watches:
            watch.cancel()
        connectors.close()
        await gate.close()
        await runner.cleanup()
        await metrics.cleanup()


async def _watch(runner: web.AppRunner) -> None:
    """Close connections that send no whole request."""
    assert runner.server is not None  # it is set up
    patience = Patience(runner.server)
    while True:
        await asyncio.sleep(SWEEP_INTERVAL)
        closed = patience.sweep(time.monotonic())
        if closed:
            structlog.get_logger().info("silent connections closed", connections=closed)


def run(settings: Settings, load: Callable[[], Settings] | None = None) -> None:
    """`serve` on a loop of its own; uvloop where it is installed. Raises what `serve` raises."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(settings, load=load))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - an optional extra
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


class _Stop:
    """SIGTERM and SIGINT, counted."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._asked = asyncio.Semaphore(0)
        for number in STOP_SIGNALS:
            self._loop.add_signal_handler(number, self._asked.release)

    async def asked(self) -> None:
        """Wait for the next one."""
        await self._asked.acquire()

    def close(self) -> None:
        for number in (*STOP_SIGNALS, signal.SIGHUP):
            self._loop.remove_signal_handler(number)


async def _drain(app: web.Application, timeout: float, stop: _Stop) -> None:
    """Open no tunnels, let those that are open end, then end them."""
    parts = app[PARTS]
    parts.gateway.drain()
    structlog.get_logger().info("draining", tunnels=len(parts.sessions), seconds=timeout)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            hurry = asyncio.create_task(stop.asked(), name="second signal")
            try:
                while len(parts.sessions) and not hurry.done():
                    await asyncio.wait({hurry}, timeout=0.1)
            finally:
                hurry.cancel()
    parts.gateway.drain()


async def _listen(runner: web.AppRunner, setting: str, bind: str) -> str:
    """Open `HOST:PORT` or `unix:PATH`; returns the address in use."""
    if bind.startswith("unix:"):
        path = bind.removeprefix("unix:")
        try:
            _remove_stale(Path(path))
            await web.UnixSite(runner, path, backlog=BACKLOG).start()
        except OSError as error:
            raise _explained(setting, bind, error) from None
        return bind
    host, _, port = bind.rpartition(":")
    try:
        site = web.TCPSite(runner, host.strip("[]") or None, int(port), backlog=BACKLOG)
        await site.start()
    except OSError as error:
        raise _explained(setting, bind, error) from None
    used = runner.addresses[-1]
    return f"[{used[0]}]:{used[1]}" if ":" in used[0] else f"{used[0]}:{used[1]}"


async def _listen_for_connectors(listener: Listener, bind: str) -> None:
    try:
        await listener.open(bind)
    except OSError as error:
        raise _explained("connector-bind", bind, error) from None


async def _listen_for_instances(gate: GateListener, bind: str) -> None:
    if bind.startswith("unix:"):
        await _listen(gate.runner, "gate-bind", bind)
    else:
        try:
            await gate.open(bind)
        except OSError as error:
            raise _explained("gate-bind", bind, error) from None
    structlog.get_logger().info("gate listening", bind=bind)


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on any more."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        if probe.connect_ex(str(path)) == 0:
            raise OSError(errno.EADDRINUSE, "in use")
    path.unlink()


def _explained(setting: str, bind: str, error: OSError) -> ListenError:
    if error.errno == errno.EADDRINUSE:
        return ListenError(f"{setting}: {bind} is taken by another program", in_use=True)
    reason = error.strerror or "no such address"
    return ListenError(f"{setting}: {bind} cannot be opened: {reason}", in_use=False)


def _metrics_app(app: web.Application) -> web.Application:
    """Prometheus metrics, on a port that the world does not see."""
    registry = app[PARTS].metrics.registry

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    served = web.Application()
    served.router.add_get("/metrics", metrics)
    return served
