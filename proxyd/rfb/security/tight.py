"""Security type 16, Tight: a list of tunnels, then a list of authentication types (sheet section H.1)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from proxyd.rfb.errors import RfbError
from proxyd.rfb.security import none, vncauth
from proxyd.rfb.security.base import no_common_type

if TYPE_CHECKING:
    from proxyd.rfb.buffer import Reading
    from proxyd.rfb.security.base import Dialogue

__all__ = ["authenticate", "skip_capabilities"]

NO_TUNNEL = 0
NONE, VNC_AUTH, UNIX_LOGIN = 1, 2, 129
MAX_CAPABILITIES = 256

_COUNT = Struct(">I")
_CHOICE = Struct(">i")
_CAPABILITY = Struct(">i4s8s")
_LOGIN = Struct(">II")
_INTERACTION = Struct(">HHHxx")


def authenticate(dialogue: Dialogue) -> Reading[bool]:
    """Take no tunnel and the best authentication type.

    Raises:
        RfbError: there is none that we may use, or the lists are absurd.
    """
    tunnels = yield from _capabilities(dialogue)
    if tunnels:
        if NO_TUNNEL not in tunnels:
            raise RfbError("The desktop insists on a tunnel that Fanlight does not know.")
        dialogue.send(_CHOICE.pack(NO_TUNNEL))
    types = yield from _capabilities(dialogue)
    if not types:
        return False
    choice = _choice(dialogue, types)
    dialogue.send(_CHOICE.pack(choice))
    dialogue.security += f"/{choice}"
    if choice == VNC_AUTH:
        return (yield from vncauth.authenticate(dialogue))
    if choice == UNIX_LOGIN:
        return (yield from _unix_login(dialogue))
    return (yield from none.authenticate(dialogue))


def skip_capabilities(dialogue: Dialogue) -> Reading[None]:
    """What follows ServerInit: lists of messages and encodings, which nobody needs."""
    counts = yield from dialogue.buffer.unpack(_INTERACTION)
    for count in counts:
        yield from _read(dialogue, count)


def _choice(dialogue: Dialogue, types: list[int]) -> int:
    usable = [VNC_AUTH, NONE] if dialogue.known.password is not None else [NONE, VNC_AUTH]
    if dialogue.trust.weak:
        usable.append(UNIX_LOGIN)
    for choice in usable:
        if choice in types:
            return choice
    raise no_common_type([f"Tight type {number}" for number in types])


def _unix_login(dialogue: Dialogue) -> Reading[bool]:
    username, password = yield from dialogue.credentials("username", "password")
    dialogue.send(_LOGIN.pack(len(username), len(password)) + username + password)
    return True


def _capabilities(dialogue: Dialogue) -> Reading[list[int]]:
    (count,) = yield from dialogue.buffer.unpack(_COUNT)
    return (yield from _read(dialogue, count))


def _read(dialogue: Dialogue, count: int) -> Reading[list[int]]:
    if count > MAX_CAPABILITIES:
        raise RfbError(f"The desktop listed {count} capabilities.")
    data = yield from dialogue.buffer.exactly(count * _CAPABILITY.size)
    return [code for code, _, _ in _CAPABILITY.iter_unpack(data)]
