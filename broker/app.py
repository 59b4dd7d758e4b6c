"""`make_app` puts the parts together: the table of routes, what every request passes, start-up and clean-up."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from broker import errors, front
from broker.access import Route, guard
from broker.admission import Door
from broker.bans import Bans
from broker.extensions.registry import Registry
from broker.fleet import Fleet, addresses
from broker.gate.config import gate_policy
from broker.gate.host_keys import PinnedKeys
from broker.gate.instances import Instances
from broker.gate.introduction import Introductions
from broker.gate.nets import Nets
from broker.gate.reports import Reports
from broker.gate.rotations import Rotations
from broker.gateway import Gateway
from broker.jumps import Jumps
from broker.keeping import Keeping
from broker.keys import KeyDirectory
from broker.metrics import Metrics
from broker.networks.registry import PrivateNetworks
from broker.networks.relays import Relays
from broker.parts import PARTS, Parts
from broker.polling import PolledTunnels
from broker.recordings import Recordings
from broker.records import Records
from broker.reload import door_rules, gateway_limits, reload_ring, waiting_policy
from broker.sessions import Sessions
from broker.sharing import Sharing
from broker.store import StoreError, open_store
from broker.trust import key_ring
from broker.views import (
    commands,
    connect,
    connectors,
    data,
    gateways,
    health,
    instances,
    nets,
    networks,
    operator,
    operator_instances,
    pages,
    recordings,
    tokens,
    tunnel_http,
    tunnel_ws,
    tunnels,
)
from broker.webapp import Webapp, default_folder
from proxyd.wire.status import Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from broker.keyring import KeyRing
    from broker.settings import Settings

__all__ = ["make_app", "routes"]

MINUTE, DAY = 60.0, 86400.0
RING_INTERVAL = 5.0
"""Seconds between two looks at the key ring file."""
DAEMONS_INTERVAL = 2.0
"""Seconds between two looks at the daemons."""
LOOK_AFTER = 20.0
"""Seconds between two looks at what the store says of sessions and tunnels that are open here."""
LINKS_INTERVAL = 5.0
"""Seconds between two looks at whether the links still lead somewhere through which guests came here."""
CONNECTORS_INTERVAL = 1.0
"""Seconds between two looks at connectors, and at whether their keys are still good."""
EXTENSIONS_INTERVAL = 2.0
"""Seconds between two looks at the extensions."""
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
        JumpsError: the file of gateways cannot be read.
        SettingsError: the gate's rules cannot be read.
    """
    parts = _parts(settings, clock, webapp or default_folder())
    app = web.Application(
        middlewares=[front.identify_sender, front.tell, errors.middleware, front.check_origin],
        handler_args={
            "access_log": None,
            "handler_cancellation": True,  # a reader that left shall not take what the next one waits for
            "max_line_size": 16384,
            "max_field_size": 16384,
        },
        client_max_size=settings.api_max_request_size or 2**63,
    )
    app[PARTS] = parts
    app.on_response_prepare.append(front.security_headers)
    app.on_shutdown.append(_part_with_connectors)
    app.cleanup_ctx.append(_running)
    for route in routes(settings.base_path):
        app.router.add_route(route.method, route.path, guard(route))
    return app


def routes(base_path: str) -> list[Route]:
    """The table of routes, with whole paths; the one that takes every other path is last."""
    below = (
        *health.BELOW,
        *connect.ROUTES,
        *connectors.ROUTES,
        *tokens.ROUTES,
        *data.ROUTES,
        *commands.ROUTES,
        *gateways.ROUTES,
        *tunnels.ROUTES,
        *recordings.ROUTES,
        *operator.ROUTES,
        *networks.ROUTES,
        *instances.ROUTES,
        *nets.ROUTES,
        *operator_instances.ROUTES,
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
    policy = gate_policy(settings)  # before there is anything to close
    metrics = Metrics()
    store = open_store(settings.store, clock)
    sessions = Sessions(store, clock, settings.api_session_timeout * MINUTE)
    records = Records(store, clock, settings.history_days * DAY)
    sharing = Sharing(store, sessions, clock)
    keys = _key_directory(settings)
    instances, reports, host_keys = Instances(store, clock), Reports(store, clock), PinnedKeys(store, clock)
    fleet = Fleet(addresses(settings))
    private = PrivateNetworks(store, clock)
    jumps = Jumps(settings.gateways)
    ring = key_ring(settings)
    bans = Bans(store, clock, settings.ban_after, settings.ban_longest)
    door = Door(
        door_rules(settings),
        ring,
        sessions,
        store,
        keys,
        bans,
        sharing,
        jumps,
        metrics,
        clock,
    )
    introductions = Introductions(
        instances, reports, host_keys, ring, door.permitted, metrics, clock, waiting_policy(settings)
    )
    gateway = Gateway(
        fleet,
        sessions,
        records,
        Keeping(store, clock),
        sharing,
        private,
        jumps,
        keys,
        introductions,
        metrics,
        clock,
        gateway_limits(settings),
        allow_insecure=settings.allow_insecure_proxyd,
    )
    relays = Relays(private, fleet, bans, clock, allow_insecure=settings.allow_insecure_proxyd)
    metrics.connectors.set_function(relays.__len__)
    return Parts(
        settings=settings,
        clock=clock,
        store=store,
        sessions=sessions,
        records=records,
        recordings=Recordings(settings.recording_search_path),
        sharing=sharing,
        ring=ring,
        bans=bans,
        door=door,
        gateway=gateway,
        introductions=introductions,
        gate_policy=policy,
        networks=private,
        jumps=jumps,
        relays=relays,
        polled=PolledTunnels(gateway, time.monotonic),
        metrics=metrics,
        webapp=Webapp(webapp),
        extensions=Registry(
            settings.extension_directory,
            settings.extension_priority,
            expected="extension_directory" in settings.model_fields_set,
        ),
        instances=instances,
        reports=reports,
        host_keys=host_keys,
        nets=Nets(store, clock),
        keys=keys,
        rotations=Rotations(store, clock),
    )


def _key_directory(settings: Settings) -> KeyDirectory | None:
    if not settings.use_local_privkey:
        return None
    return KeyDirectory(settings.key_directory, settings.key_names, settings.key_group)


async def _running(app: web.Application) -> AsyncIterator[None]:
    """Background work while the application runs; everything open is closed after it."""
    parts = app[PARTS]
    work = {
        "look after sessions": _every(LOOK_AFTER, parts.sessions.look_after),
        "look after tunnels": _every(LOOK_AFTER, parts.gateway.look_after),
        "look after links": _every(LINKS_INTERVAL, parts.sharing.look_after),
        "look at daemons": _every(DAEMONS_INTERVAL, parts.gateway.fleet.look),
        "look at connectors": _every(CONNECTORS_INTERVAL, parts.relays.look),
        "keep tunnels alive": _every(KEEP_ALIVE, parts.gateway.keep_alive),
        "sweep polled tunnels": _every(KEEP_ALIVE, parts.polled.sweep),
        "keep key ring fresh": _every(RING_INTERVAL, functools.partial(_refresh, parts.ring)),
        "keep extensions fresh": _every(EXTENSIONS_INTERVAL, functools.partial(_follow, parts.extensions)),
    }
    tasks = [asyncio.create_task(coroutine, name=name) for name, coroutine in work.items()]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for tunnel in parts.sessions.tunnels():
        parts.gateway.close(tunnel, Status.SERVER_BUSY)
    await parts.gateway.settled()
    await parts.store.close()


async def _part_with_connectors(app: web.Application) -> None:
    """Let connectors go, so that they look for another broker at once."""
    await app[PARTS].relays.close()


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do something again and again; a failure is logged, and the next round comes all the same."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except StoreError as error:
            structlog.get_logger().error("store failed", reason=str(error))
        except Exception:  # noqa: BLE001 - logged with its stack
            structlog.get_logger().exception("background work failed in a way nobody foresaw")


async def _refresh(ring: KeyRing) -> None:
    if await asyncio.to_thread(ring.changed):
        reload_ring(ring)


async def _follow(extensions: Registry) -> None:
    if await asyncio.to_thread(extensions.changed):
        await asyncio.to_thread(extensions.reload)
