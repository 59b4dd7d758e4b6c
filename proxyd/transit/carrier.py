"""What carries streams: a login at a gateway, or a connector. Both are used, counted and lost in the same way."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxyd.carrying import Turns
    from proxyd.transport import Transport
    from proxyd.wire.status import StatusError

__all__ = ["Carrier"]


class Carrier:
    """One connection that streams pass through.

    Attributes:
        transport: opens streams at its far end.
        turns: of those streams.
        before: what carries this one; None where it was dialled from here.
        ended: why it ended; None while it lives.
    """

    def __init__(self, transport: Transport, turns: Turns, before: Carrier | None = None) -> None:
        self.transport = transport
        self.turns = turns
        self.before = before
        self.ended: StatusError | None = None
        self._sessions: Counter[str] = Counter()

    @property
    def sessions(self) -> int:
        """Sessions with streams through here, or through what leads on from here."""
        return len(self._sessions)

    def enter(self, session: str) -> None:
        """A stream of this session begins."""
        self._sessions[session] += 1
        if self.before is not None:
            self.before.enter(session)

    def leave(self, session: str) -> None:
        """It ended."""
        self._sessions[session] -= 1
        if self._sessions[session] <= 0:
            del self._sessions[session]
        if self.before is not None:
            self.before.leave(session)

    def loss(self) -> StatusError | None:
        """Why nothing passes any more: the first that ended, seen from here."""
        return (self.before.loss() if self.before is not None else None) or self.ended
