"""Security type 1: no authentication."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxyd.rfb.buffer import Reading
    from proxyd.rfb.security.base import Dialogue

__all__ = ["authenticate"]


def authenticate(dialogue: Dialogue) -> Reading[bool]:
    """Nothing to do."""
    yield from ()
    return False
