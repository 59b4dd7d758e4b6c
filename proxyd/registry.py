"""The sessions that run in this worker, by connection id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxyd.session import Session

__all__ = ["Registry"]


class Registry:
    """After any ending it returns to its former size."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    def add(self, session: Session) -> None:
        """A session begins."""
        self._sessions[session.connection_id] = session

    def find(self, connection_id: str) -> Session:
        """The running session with this id.

        Raises:
            StatusError: there is none (RESOURCE_NOT_FOUND), with the text that guacd uses.
        """
        session = self._sessions.get(connection_id)
        if session is None or session.ended:
            raise StatusError(Status.RESOURCE_NOT_FOUND, "No such connection.")
        return session

    def remove(self, session: Session) -> None:
        """A session is over."""
        self._sessions.pop(session.connection_id, None)

    def away(self) -> list[Session]:
        """Sessions whose owner is away, the longest first."""
        away = [session for session in self if session.detached_since is not None and not session.ended]
        return sorted(away, key=lambda session: session.detached_since or 0.0)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)
