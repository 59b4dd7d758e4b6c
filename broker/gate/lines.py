"""The lines of `authorized_keys` that instances are served for a user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from broker.keys import KeyRefusedError

if TYPE_CHECKING:
    from broker.keys import KeyDirectory

__all__ = ["authorized_lines"]


def authorized_lines(user: str, keys: KeyDirectory, options: str) -> list[str]:
    """The user's key, and while keys are exchanged the new one after it; nothing where none is on file.

    A key that the broker itself would refuse is left out and logged. Reads files: call it off the loop.

    Args:
        user: a login; it becomes the comment.
        keys: where keys are.
        options: the setting `authorized-key-options`.
    """
    found = [line for new in (False, True) if (line := _public(user, keys, new=new))]
    return [" ".join(filter(None, (options, line, user))) for line in found]


def _public(user: str, keys: KeyDirectory, *, new: bool) -> str:
    try:
        key = keys.read(user, new=new)
    except KeyRefusedError as error:
        structlog.get_logger().warning("key refused", user=user, reason=str(error))
        return ""
    return key.public if key is not None else ""
