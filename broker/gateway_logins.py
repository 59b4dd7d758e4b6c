"""A person's logins at gateways, which live at the daemons: what they are, and their end."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, NamedTuple

from broker.proxyd_client import ask
from proxyd.wire.instruction import encode

if TYPE_CHECKING:
    from broker.fleet import Fleet
    from broker.proxyd_client import Address
    from broker.sessions import Session
    from proxyd.wire.instruction import Instruction

__all__ = ["GatewayLogin", "end_logins", "list_logins", "uses_gateways"]

MAX_ANSWER = 65536
ANSWER_SECONDS = 3.0


class GatewayLogin(NamedTuple):
    """One login.

    Attributes:
        id: names it at its daemon.
        gateway: what people call the gateway.
        owner: whose it is.
        sessions: how many use it.
        since: Unix seconds.
    """

    id: str
    gateway: str
    owner: str
    sessions: int
    since: int


def uses_gateways(session: Session) -> bool:
    """Whether any connection of a token leads through jump hosts."""
    return any(row.parameters.get("jump-hosts") for row in session.connections.values())


async def list_logins(fleet: Fleet, owner: str = "") -> list[GatewayLogin]:
    """The logins of a person, or of everybody, at all daemons; one that does not answer has none."""
    answers = await _ask_all(fleet, encode("gateway-logins", owner))
    rows = [row for answer in answers for row in json.loads(answer.args[0])]
    return sorted((GatewayLogin(**row) for row in rows), key=lambda login: (login.gateway, login.since))


async def end_logins(fleet: Fleet, owner: str, identifier: str = "") -> int:
    """End one login of a person or all; what passes through ends. Returns how many."""
    answers = await _ask_all(fleet, encode("gateway-logout", owner, identifier))
    return sum(int(answer.args[0]) for answer in answers)


async def _ask_all(fleet: Fleet, words: bytes) -> list[Instruction]:
    found = await asyncio.gather(*(_ask(daemon.address, words) for daemon in fleet.daemons if daemon.alive))
    return [answer for answers in found for answer in answers if answer.opcode.startswith("gateway-")]


async def _ask(address: Address, words: bytes) -> list[Instruction]:
    try:
        return await ask(address, words, MAX_ANSWER, ANSWER_SECONDS)
    except (OSError, TimeoutError):
        return []
