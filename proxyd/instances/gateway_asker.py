"""Questions of gateways where there is no terminal: the page asks, in the gateway's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.instances.base import Notice, Prompt
from proxyd.instances.dialogue import shortened

if TYPE_CHECKING:
    from proxyd.instances.base import Desk

__all__ = ["ANSWER", "GatewayAsker"]

ANSWER = "gateway-answer"
"""What the owner is asked for (`required`)."""
MAX_TEXT = 2000
"""Characters of a question with the announcements above it, as many as a page shows."""


class GatewayAsker:
    """See `proxyd.instances.ssh_auth.Asker`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._announced = ""

    async def ask(self, prompt: str, *, secret: bool) -> str:
        """See `Asker.ask`."""
        text, self._announced = shortened(self._announced + prompt, MAX_TEXT), ""
        return (await self._desk.ask([ANSWER], Prompt(text, secret=secret)))[ANSWER]

    def wait(self) -> None:
        """Another session of the person is asked: say that this one waits."""
        self._desk.notice(Notice.GATEWAY_ASKS)

    def show(self, text: str) -> None:
        """See `Asker.show`: it stands above the next question."""
        self._announced = shortened(self._announced + text, MAX_TEXT)
