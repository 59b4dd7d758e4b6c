"""What the gate's views share: where they find it, whose request they answer, and a row of the table of routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from broker.gate.entrance import Claim
from broker.gate.instance import Instance

if TYPE_CHECKING:
    from broker.gate.core import Core
    from broker.gate.entrance import Entrance
    from broker.gate.gate import Gate
    from broker.gate.policy import Policy
    from broker.gate.pushes import Pushes
    from broker.gate.rates import Seldom
    from broker.metrics import Metrics
    from broker.settings import Network

__all__ = ["BODY", "CALLER", "CLAIM", "GATE", "GateRoute", "Served"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class GateRoute(NamedTuple):
    """One row of the table.

    Attributes:
        method, path: of the request.
        handler: the view.
        permission: what has to be permitted; empty lets everybody in, without a token.
    """

    method: str
    path: str
    handler: Handler
    permission: str = ""


@dataclass
class Served:
    """What a gate is made of.

    Attributes:
        gate: answers.
        pushes: takes what instances say.
        entrance: knows them.
        policy: what they may, now.
        trusted: networks of front proxies whose headers are believed, now.
        core: carries out.
        metrics: what is counted.
        crowded: when it is said that somebody asks too often.
        waiting: instances that wait for news.
        most_waiting: how many may.
    """

    gate: Gate
    pushes: Pushes
    entrance: Entrance
    policy: Callable[[], Policy]
    trusted: Callable[[], tuple[Network, ...]]
    core: Core
    metrics: Metrics
    crowded: Seldom
    waiting: set[str] = field(default_factory=set)
    most_waiting: int = 2000


GATE = web.AppKey("gate", Served)
"""The application's gate."""
CLAIM = web.RequestKey("claim", Claim)
"""Who a request says that it comes from."""
CALLER = web.RequestKey("caller", Instance)
"""The instance whose request it is."""
BODY = web.RequestKey("body", bytes)
"""What it sent, in whole."""
