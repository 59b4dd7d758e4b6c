"""The shape of a row in the tables of this folder. The reference page is checked against them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.terminal.terminal import Terminal

__all__ = ["Escape", "Function", "count", "nth"]


class Escape(NamedTuple):
    """A control or escape sequence: it has no parameters."""

    name: str
    """The standard's mnemonic."""
    summary: str
    run: Callable[[Terminal], None]


class Function(NamedTuple):
    """A control sequence; `run` gets its parameters, at least one, an omitted one as 0."""

    name: str
    """The standard's mnemonic."""
    summary: str
    run: Callable[[Terminal, tuple[int, ...]], None]


def count(parameters: tuple[int, ...]) -> int:
    """The first parameter as a count: 0 and omitted are 1."""
    return parameters[0] or 1


def nth(parameters: tuple[int, ...], index: int, default: int = 0) -> int:
    """A parameter by index; `default` for 0, omitted and missing."""
    return (parameters[index] if index < len(parameters) else 0) or default
