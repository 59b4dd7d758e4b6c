"""The parts that one application is made of, and what a request is known to be: where views find them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from broker.admission import Platform
from broker.forwarded import Sender
from broker.sessions import Session, Sessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.admission import Door
    from broker.bans import Bans
    from broker.extensions.registry import Registry
    from broker.gate.host_keys import PinnedKeys
    from broker.gate.instances import Instances
    from broker.gate.introduction import Introductions
    from broker.gate.nets import Nets
    from broker.gate.policy import Policy
    from broker.gate.reports import Reports
    from broker.gate.rotations import Rotations
    from broker.gateway import Gateway
    from broker.jumps import Jumps
    from broker.keyring import KeyRing
    from broker.keys import KeyDirectory
    from broker.metrics import Metrics
    from broker.networks.registry import PrivateNetworks
    from broker.networks.relays import Relays
    from broker.polling import PolledTunnels
    from broker.recordings import Recordings
    from broker.records import Records
    from broker.settings import Settings
    from broker.sharing import Sharing
    from broker.store.base import Store
    from broker.webapp import Webapp

__all__ = ["PARTS", "PLATFORM", "SENDER", "SESSION", "Parts"]


@dataclass
class Parts:
    """What `make_app` builds.

    Attributes:
        settings: in force; some may change, see `broker.reload`.
        gate_policy: the gate's rules; they may change, but for where it listens and its tokens for the core.
    """

    settings: Settings
    clock: Callable[[], float]
    store: Store
    sessions: Sessions
    records: Records
    recordings: Recordings
    sharing: Sharing
    ring: KeyRing
    bans: Bans
    door: Door
    gateway: Gateway
    introductions: Introductions
    gate_policy: Policy
    networks: PrivateNetworks
    jumps: Jumps
    relays: Relays
    polled: PolledTunnels
    metrics: Metrics
    webapp: Webapp
    extensions: Registry
    instances: Instances
    reports: Reports
    host_keys: PinnedKeys
    nets: Nets
    keys: KeyDirectory | None
    rotations: Rotations


PARTS = web.AppKey("parts", Parts)
"""The application's parts."""
SENDER = web.RequestKey("sender", Sender)
"""Who sent a request; every request has it."""
SESSION = web.RequestKey("session", Session)
"""Whose request it is; every request has it whose route asks for somebody."""
PLATFORM = web.RequestKey("platform", Platform)
"""Which platform asks; every request has it whose route asks for one."""
