"""`make_app` puts the parts together: the table of routes, what every request passes, start-up and clean-up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from broker import errors, front
from broker.access import Route, guard
from broker.admission import Door
from broker.bans import Bans
from broker.gateway import Gateway
from broker.keyring import KeyRing, KeyRingError
from broker.keys import KeyDirectory
from broker.metrics import Metrics
from broker.parts import PARTS, Parts
from broker.polling import PolledTunnels
from broker.proxyd_client import Address
from broker.sessions import Sessions
from broker.store import open_store
from broker.targets import Targets
from broker.trust import key_ring, schemes
from broker.views import connect, data, health, pages, tokens, tunnel_http, tunnel_ws
from broker.webapp import Webapp, default_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from broker.settings import Settings

__all__ = ["make_app", "reload_ring", "routes"]

MINUTE = 60.0
RING_INTERVAL = 5.0
"""Seconds between two looks at the key ring file."""
KEEP_ALIVE = 5.0
"""Seconds of a browser's silence after which the daemon is sent a `nop` for it."""


def make_app(
    settings: Settings, *, clock: Callable[[], float] = time.time, webapp: Path | None = None
) -> web.Application:
    """Build the whole application; it listens to nothing.

    Args:
        settings: how it shall be.
        clock: Unix seconds.
        webapp: folder of the page; by default the one that is shipped.

    Raises:
        StoreError: the store cannot be opened.
        OSError: a file that a setting names cannot be read.
        KeyRingError: the key ring cannot be read.
    """
    parts = _parts(settings, clock, webapp or default_folder())
    app = web.Application(
        middlewares=[front.identify_sender, front.tell, errors.middleware, front.check_origin],
        handler_args={"access_log": None, "max_line_size": 16384, "max_field_size": 16384},
        client_max_size=settings.api_max_request_size or 2**63,
    )
    app[PARTS] = parts
    app.on_response_prepare.append(front.security_headers(settings))
    app.cleanup_ctx.append(_running)
    for route in routes(settings.base_path):
        app.router.add_route(route.method, route.path, guard(route))
    return app


def routes(base_path: str) -> list[Route]:
    """The table of routes, with whole paths; the one that takes every other path is last."""
    below = (
        *connect.ROUTES,
        *tokens.ROUTES,
        *data.ROUTES,
        *tunnel_ws.ROUTES,
        *tunnel_http.ROUTES,
        *pages.ROUTES,
    )
    return [
        *health.ROUTES,
        *pages.redirects(base_path),
        *(route._replace(path=base_path + route.path) for route in below),
    ]


def _parts(settings: Settings, clock: Callable[[], float], webapp: Path) -> Parts:
    metrics = Metrics()
    store = open_store(settings.store, clock)
    sessions = Sessions(store, clock, settings.api_session_timeout * MINUTE)
    keys = _key_directory(settings)
    gateway = Gateway(
        Address.of(
            settings.guacd_hostname,
            settings.guacd_port,
            secure=settings.guacd_ssl,
            authority=settings.guacd_ca,
        ),
        sessions,
        keys,
        metrics,
        clock,
        allow_insecure=settings.allow_insecure_proxyd,
        max_tunnels=settings.max_tunnels,
    )
    ring = key_ring(settings)
    bans = Bans(store, clock, settings.ban_after, settings.ban_longest)
    door = Door(
        schemes(settings),
        ring,
        sessions,
        store,
        Targets(settings.allowed_targets),
        keys,
        bans,
        metrics,
        clock,
        require_key=settings.require_privkey,
    )
    polled = PolledTunnels(gateway, time.monotonic)
    return Parts(settings, store, sessions, ring, bans, door, gateway, polled, metrics, Webapp(webapp))


def _key_directory(settings: Settings) -> KeyDirectory | None:
    if not settings.use_local_privkey:
        return None
    return KeyDirectory(settings.key_directory, settings.key_names, settings.key_group)


async def _running(app: web.Application) -> AsyncIterator[None]:
    """Background work while the application runs; everything open is closed after it."""
    parts = app[PARTS]
    tasks = [
        asyncio.create_task(parts.sessions.keep_alive(), name="keep sessions"),
        asyncio.create_task(parts.polled.keep_clean(), name="keep polled tunnels clean"),
        asyncio.create_task(_keep_tunnels_alive(parts.sessions), name="keep tunnels alive"),
        asyncio.create_task(_keep_ring_fresh(parts.ring), name="keep key ring fresh"),
    ]
    yield
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await parts.store.close()


async def _keep_tunnels_alive(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(KEEP_ALIVE)
        for tunnel in sessions.tunnels():
            tunnel.keep_alive()


async def _keep_ring_fresh(ring: KeyRing) -> None:
    while True:
        await asyncio.sleep(RING_INTERVAL)
        if await asyncio.to_thread(ring.changed):
            reload_ring(ring)


def reload_ring(ring: KeyRing) -> None:
    """Read the key ring anew; a broken file is logged and leaves it as it was."""
    try:
        ring.reload()
    except KeyRingError as error:
        structlog.get_logger().error("key ring not read", reason=str(error))
    else:
        structlog.get_logger().info("key ring read", keys=len(ring))
