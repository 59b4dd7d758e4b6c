"""Bytes to calls on a handler: UTF-8, the automaton of states.py, and a fast path over it.

Every length is bounded; a sequence that exceeds a bound is read to its end and dropped.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from io import StringIO
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from proxyd.terminal.states import HIGH, TABLE, Action, State

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["Handler", "Parser", "parameters"]

PARAMETER_LIMIT: Final = 256
"""Characters of parameters in one CSI or DCS."""
INTERMEDIATE_LIMIT: Final = 2
STRING_LIMIT: Final = 512 * 1024
"""Characters in one OSC or DCS: a clipboard of 256 KiB in base64 and some."""
VALUE_LIMIT: Final = 65535
"""Larger parameters count as this much."""


class Handler(Protocol):
    """What a parser drives. A function is named by its private marker, intermediates and final, as `?h` or ` q`."""

    def print(self, text: str) -> None:
        """Show characters from U+0020 on, no DEL, no C1."""

    def execute(self, controls: str) -> None:
        """Obey one or more C0 controls."""

    def escape(self, function: str) -> None:
        """Obey ESC, intermediates, final; C1 controls come as their two-character form."""

    def csi(self, function: str, parameters: str) -> None:
        """Obey a control sequence; `parameters` are digits, `;` and `:`."""

    def osc(self, text: str) -> None:
        """Obey an operating system command."""

    def dcs(self, function: str, parameters: str, data: str) -> None:
        """Obey a device control string."""


@lru_cache(maxsize=4096)
def parameters(text: str) -> tuple[int, ...]:
    """`"1;;3"` as (1, 0, 3): an omitted value is 0, `""` is (0,)."""
    return tuple(min(int(value), VALUE_LIMIT) if value else 0 for value in text.split(";"))


_FAST = re.compile(
    r"([^\x00-\x1f\x7f-\x9f]*+)"
    r"(?:\x1b\[([0-9:;]{0,256}+)([@-~])"
    r"|([\x00-\x17\x19\x1c-\x1f]++)"
    r"|\x1b((?:[ -/]{1,2}+[0-~])|[0-OQ-WYZ\\`-~])"
    r"|([\x18\x1a\x1b\x7f-\x9f]))?+"
)
"""In the ground state: a run of text, then a whole plain CSI, C0 controls, a whole escape sequence, or what only the
table can tell."""
_STRING = re.compile(r"[^\x00-\x1f\x7f-\x9f]++")


class Parser:
    """An incremental parser; feed it bytes in pieces of any size."""

    __slots__ = ("_decode", "_function", "_handler", "_overflow", "_parameters", "_size", "_state", "_string")

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._state = State.GROUND
        self._function = ""
        self._parameters = ""
        self._string = StringIO()
        self._size = 0
        self._overflow = False

    @property
    def at_rest(self) -> bool:
        """No sequence is open (a character may be)."""
        return self._state is State.GROUND

    def feed(self, data: bytes) -> None:
        """Drive the handler with `data`; invalid UTF-8 becomes U+FFFD, one for each maximal part of a character."""
        text = self._decode(data)
        position = 0
        while position < len(text):
            if self._state is State.GROUND:
                position = self._rush(text, position)
            else:
                position = self._walk(text, position)

    def feed_by_table(self, data: bytes) -> None:
        """Do what `feed` does by the table alone: the reference that the fast path is tested against."""
        for character in self._decode(data):
            self._step(character)

    def _rush(self, text: str, position: int) -> int:
        """Handle all that is whole and plain; return where the table must go on."""
        handler = self._handler
        write, csi, execute = handler.print, handler.csi, handler.execute
        for match in _FAST.finditer(text, position):
            run, params, final, controls, escape, other = match.groups()
            if run:
                write(run)
            if final:
                csi(final, params)
            elif controls:
                execute(controls)
            elif escape:
                handler.escape(escape)
            elif other:
                self._step(other)
                return match.end()
        return len(text)

    def _walk(self, text: str, position: int) -> int:
        """Handle characters by the table until the ground state; return how far it went."""
        while position < len(text) and self._state is not State.GROUND:
            if self._state >= State.DCS_PASSTHROUGH and (run := _STRING.match(text, position)):
                if self._state is not State.SOS_PM_APC_STRING and self._state is not State.DCS_IGNORE:
                    self._put(run[0])
                position = run.end()
            else:
                self._step(text[position])
                position += 1
        return position

    def _step(self, character: str) -> None:
        actions, state = TABLE[self._state][min(ord(character), HIGH)]
        for action in actions:
            self._PERFORM[action](self, character)
        self._state = state

    def _print(self, character: str) -> None:
        self._handler.print(character)

    def _execute(self, character: str) -> None:
        self._handler.execute(character)

    def _c1(self, character: str) -> None:
        self._handler.escape(chr(ord(character) - 0x40))

    def _collect(self, character: str) -> None:
        self._function += character
        self._overflow |= len(self._function.lstrip("<=>?")) > INTERMEDIATE_LIMIT

    def _param(self, character: str) -> None:
        if len(self._parameters) < PARAMETER_LIMIT:
            self._parameters += character
        else:
            self._overflow = True

    def _put(self, text: str) -> None:
        self._size += len(text)
        if self._size <= STRING_LIMIT:
            self._string.write(text)
        elif not self._overflow:
            self._overflow = True
            self._string = StringIO()

    def _hook(self, character: str) -> None:
        self._function += character

    def _esc_dispatch(self, character: str) -> None:
        if not self._overflow:
            self._handler.escape(self._function + character)

    def _csi_dispatch(self, character: str) -> None:
        if not self._overflow:
            self._handler.csi(self._function + character, self._parameters)

    def _osc_end(self, _character: str) -> None:
        if not self._overflow:
            self._handler.osc(self._string.getvalue())

    def _unhook(self, _character: str) -> None:
        if not self._overflow:
            self._handler.dcs(self._function, self._parameters, self._string.getvalue())

    def _clear(self, _character: str = "") -> None:
        self._function = ""
        self._parameters = ""
        self._overflow = False
        if self._size:
            self._string = StringIO()
            self._size = 0

    _PERFORM: ClassVar[dict[Action, Callable[[Parser, str], None]]] = {
        Action.PRINT: _print,
        Action.EXECUTE: _execute,
        Action.C1: _c1,
        Action.CLEAR: _clear,
        Action.COLLECT: _collect,
        Action.PARAM: _param,
        Action.PUT: _put,
        Action.HOOK: _hook,
        Action.ESC_DISPATCH: _esc_dispatch,
        Action.CSI_DISPATCH: _csi_dispatch,
        Action.OSC_END: _osc_end,
        Action.UNHOOK: _unhook,
    }
