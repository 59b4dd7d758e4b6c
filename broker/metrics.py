"""What the broker counts; served on a port of its own. Every label value exists from the start."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from broker.auth.base import Reason
from proxyd.wire.status import Status

__all__ = ["Metrics"]


class Metrics:
    """The metrics of one application, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.granted = Counter(
            "fanlight_broker_granted", "Signed requests that were granted.", registry=self.registry
        )
        self.refused = Counter(
            "fanlight_broker_refused",
            "Signed requests that were refused.",
            ["reason"],
            registry=self.registry,
        )
        self.tunnels = Gauge("fanlight_broker_tunnels", "Open tunnels.", registry=self.registry)
        self.tunnel_failures = Counter(
            "fanlight_broker_tunnel_failures",
            "Tunnels that could not be opened.",
            ["status"],
            registry=self.registry,
        )
        self.tunnel_ends = Counter(
            "fanlight_broker_tunnel_ends",
            "Tunnels that were closed, by how they ended.",
            ["status"],
            registry=self.registry,
        )
        self.resumed = Counter(
            "fanlight_broker_resumed", "Sessions that somebody came back to.", registry=self.registry
        )
        self.relayed = Counter(
            "fanlight_broker_relayed_bytes",
            "Bytes of closed tunnels, down to the browser and up to proxyd.",
            ["direction"],
            registry=self.registry,
        )
        self.gate_blocked = Counter(
            "fanlight_broker_gate_blocked",
            "Sessions that were not begun because an instance showed another host key than the pinned one.",
            registry=self.registry,
        )
        self.connectors = Gauge(
            "fanlight_broker_connectors",
            "Connectors of private networks that are connected here.",
            registry=self.registry,
        )
        self.requests = Histogram(
            "fanlight_broker_request_seconds",
            "Time that requests took, tunnels left out.",
            ["status"],
            buckets=(0.005, 0.02, 0.1, 0.5, 2.0, 10.0),
            registry=self.registry,
        )
        self.gate_requests = Counter(
            "fanlight_broker_gate_requests",
            "Requests of instances at the gate.",
            ["status"],
            registry=self.registry,
        )
        self.host_key_alarms = Counter(
            "fanlight_broker_host_key_alarms",
            "Host keys that instances reported and that are not those pinned.",
            registry=self.registry,
        )
        for reason in Reason:
            self.refused.labels(reason.value)
        for status in Status:
            self.tunnel_failures.labels(status.name)
            self.tunnel_ends.labels(status.name)
        for direction in ("down", "up"):
            self.relayed.labels(direction)
        for family in ("2xx", "3xx", "4xx", "5xx"):
            self.requests.labels(family)
            self.gate_requests.labels(family)
