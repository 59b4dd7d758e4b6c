"""Which way a session takes: its connection's parameters say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from proxyd.transport.through import Through
from proxyd.wire.route import Route, parse_hosts
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from proxyd.instances.parameters import Arguments
    from proxyd.transport import Direct, Way

__all__ = ["Ways"]


class Ways(NamedTuple):
    """The ways of a worker.

    Attributes:
        direct: where nothing stands before the instance.
        transit: the transit process's socket; empty where there is none.
        timeout: seconds that a machine is given to answer.
    """

    direct: Direct
    transit: str = ""
    timeout: float = 10.0

    def choose(self, arguments: Arguments, session: str) -> Way:
        """The way of one session.

        Raises:
            StatusError: the jump hosts cannot be understood, or this worker reaches none.
        """
        hosts, network = parse_hosts(arguments.text("jump-hosts")), arguments.text("network")
        if not hosts and not network:
            return self.direct
        if not self.transit:
            raise StatusError(Status.UNSUPPORTED, "This daemon passes no gateways.", Hop.GATEWAY)
        route = Route(
            hosts,
            arguments.text("gateway-owner"),
            network,
            arguments.number("gw-idle"),
            arguments.number("gw-max"),
            session,
        )
        return Through(self.transit, route, self.timeout)
