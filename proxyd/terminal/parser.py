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


__all__ = ["Handler", "Parser", "Paused", "parameters"]

PARAMETER_LIMIT: Final = 256
"""Characters of parameters in one CSI or DCS."""
INTERMEDIATE_LIMIT: Final = 2
STRING_LIMIT: Final = 512 * 1024
"""Characters in one OSC or DCS: a clipboard of 256 KiB in base64 and some."""
VALUE_LIMIT: Final = 65535
"""Larger parameters count as this much."""


class Paused(Exception):  # noqa: N818 - it is no error
    """A handler has done what it was told, and wants the rest kept until the next `feed`."""

    rest = ""


class Handler(Protocol):
    """What a parser drives. `execute`, `escape` and `csi` may raise Paused. A function is named by its private marker, intermediates and final, as `?h` or ` q`."""

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
    r"|([\x00-\x17\x19\x1c-\x1f]{1,64}+)"
    r"|\x1b((?:[ -/]{1,2}+[0-~])|[0-OQ-WYZ\\`-~])"
    r"|([\x18\x1a\x1b\x7f-\x9f].*))?+",
    re.DOTALL,
)
"""In the ground state: a run of text, then a whole plain CSI, C0 controls, a whole escape sequence, or all the rest from
where only the table can go on."""
_SLICE: Final = 8192
"""Characters looked at together; bounds what `_FAST` copies as a rest."""
_STRING = re.compile(r"[^\x00-\x1f\x7f-\x9f]++")
_DIGITS = re.compile(r"[0-9:;]++")
_NOTHING = re.compile(r"(?!)")


def _token_length(token: tuple[str, ...]) -> int:
    """Characters of the text that `_FAST` made a token of."""
    run, params, final, controls, escape, rest = token
    return len(run) + (len(params) + 3) * bool(final) + len(controls) + len(escape) + bool(escape) + len(rest)


class Parser:
    """An incremental parser; feed it bytes in pieces of any size."""

    __slots__ = (
        "_decoder",
        "_function",
        "_handler",
        "_held",
        "_overflow",
        "_parameters",
        "_size",
        "_state",
        "_string",
    )

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._state = State.GROUND
        self._function = ""
        self._parameters = ""
        self._string = StringIO()
        self._size = 0
        self._overflow = False
        self._held = ""

    @property
    def at_rest(self) -> bool:
        """No sequence is open, and no character; nothing is held."""
        return self._state is State.GROUND and not self._held and not self._decoder.getstate()[0]

    @property
    def holds(self) -> bool:
        """The handler paused: some of what was fed is kept for the next `feed`."""
        return bool(self._held)

    def feed(self, data: bytes) -> None:
        """Drive the handler with `data`; invalid UTF-8 becomes U+FFFD, one for each maximal part of a character."""
        text = self._held + self._decoder.decode(data)
        self._held = ""
        for start in range(0, len(text), _SLICE):
            rest = text[start : start + _SLICE]
            try:
                while rest:
                    rest = self._rush(rest) if self._state is State.GROUND else self._walk(rest)
            except Paused as paused:
                self._held = paused.rest + text[start + _SLICE :]
                return

    def feed_by_table(self, data: bytes) -> None:
        """Do what `feed` does by the table alone: the reference that the fast path is tested against."""
        for character in self._decoder.decode(data):
            self._step(character)

    def _rush(self, text: str) -> str:
        """Handle all that is whole and plain; return the rest, where the table must go on."""
        handler = self._handler
        write, csi, execute = handler.print, handler.csi, handler.execute
        tokens = iter(_FAST.findall(text))
        rest = ""
        try:
            for run, params, final, controls, escape, rest in tokens:
                if run:
                    write(run)
                if final:
                    csi(final, params)
                elif controls:
                    execute(controls)
                elif escape:
                    handler.escape(escape)
                elif rest:
                    self._step(rest[0])
                    break
        except Paused as paused:
            paused.rest = rest[1:] or text[len(text) - sum(map(_token_length, tokens)) :]
            raise
        return str(rest[1:])

    def _walk(self, text: str) -> str:
        """Handle characters by the table until the ground state; return the rest."""
        position = 0
        while position < len(text) and self._state is not State.GROUND:
            pattern, action = self._RUNS.get(self._state, (_NOTHING, None))
            if run := pattern.match(text, position):
                position = run.end()
                if action:
                    action(self, run[0])
            else:
                position += 1
                try:
                    self._step(text[position - 1])
                except Paused as paused:
                    paused.rest = text[position:]
                    raise
        return text[position:]

    def _step(self, character: str) -> None:
        actions, state = TABLE[self._state][min(ord(character), HIGH)]
        self._state = state
        for action in actions:
            self._PERFORM[action](self, character)

    def _print(self, character: str) -> None:
        self._handler.print(character)

    def _execute(self, character: str) -> None:
        self._handler.execute(character)

    def _c1(self, character: str) -> None:
        self._handler.escape(chr(ord(character) - 0x40))

    def _collect(self, character: str) -> None:
        self._function += character
        self._overflow |= len(self._function.lstrip("<=>?")) > INTERMEDIATE_LIMIT

    def _param(self, text: str) -> None:
        if len(self._parameters) + len(text) <= PARAMETER_LIMIT:
            self._parameters += text
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

    _RUNS: ClassVar[dict[State, tuple[re.Pattern[str], Callable[[Parser, str], None] | None]]] = {
        State.CSI_PARAM: (_DIGITS, _param),
        State.DCS_PARAM: (_DIGITS, _param),
        State.OSC_STRING: (_STRING, _put),
        State.DCS_PASSTHROUGH: (_STRING, _put),
        State.DCS_IGNORE: (_STRING, None),
        State.SOS_PM_APC_STRING: (_STRING, None),
    }
    """Runs of characters that keep the state, and what is done with them: the fast path inside of sequences."""
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
