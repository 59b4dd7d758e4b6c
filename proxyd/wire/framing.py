"""Cut a stream of bytes at the ends of whole instructions without taking them apart: what a relay needs.

Instructions of short elements are skipped by one regular expression; a long element by its length. Only where text is
not ASCII are characters counted one by one, because lengths are in code points.
"""

from __future__ import annotations

import re

from proxyd.wire.instruction import MAX_DIGITS, MAX_ELEMENT, MAX_ELEMENTS, MAX_INSTRUCTION, WireError

__all__ = ["Splitter"]

_SHORT = 24
"""Characters of an element that the expression knows; coordinates, timestamps and opcodes are shorter."""


def _short_instructions() -> re.Pattern[bytes]:
    """As many whole instructions of short ASCII elements as there are."""
    lengths = [rf"{length}\.[\x00-\x7f]{{{length}}}" for length in range(_SHORT + 1)]
    element = f"(?:{'|'.join(lengths)})"
    return re.compile(f"(?:(?:{element},){{0,{MAX_ELEMENTS - 1}}}+{element};)*+".encode(), re.DOTALL)


_RUN = _short_instructions()


class Splitter:
    """Feed bytes, get back whole instructions; the beginning of the next one waits here.

    `split` returns everything up to the end of the last whole instruction, in one piece. Grammar and limits are those of
    `InstructionParser`.
    """

    def __init__(self) -> None:
        self._rest = b""

    @property
    def pending(self) -> bool:
        """Whether an instruction has begun and not ended."""
        return bool(self._rest)

    def split(self, data: bytes) -> bytes:
        """The whole instructions that `data` completes; empty where it completes none.

        Raises:
            WireError: the bytes break the grammar or a limit.
        """
        if self._rest:
            data = self._rest + data
        end = 0
        while True:
            run = _RUN.match(data, end)
            assert run is not None  # it matches the empty string
            end = run.end()
            after = _instruction_end(data, end)
            if after is None:
                break
            end = after
        self._rest = data[end:]
        return data[:end]


def _instruction_end(data: bytes, position: int) -> int | None:
    """Index after the instruction that begins at `position`; None while it is not whole."""
    characters = 0
    for _ in range(MAX_ELEMENTS):
        dot = data.find(b".", position, position + MAX_DIGITS + 1)
        digits = data[position : dot if dot >= 0 else position + MAX_DIGITS + 1]
        if digits and not digits.isdigit():
            raise WireError("the length of an element is not a number")
        if len(digits) > MAX_DIGITS:
            raise WireError(f"the length of an element has more than {MAX_DIGITS} digits")
        if dot < 0:
            return None
        length = int(digits or b"0")
        characters += len(digits) + length + 2
        if length > MAX_ELEMENT:
            raise WireError(f"an element is longer than {MAX_ELEMENT} characters")
        if characters > MAX_INSTRUCTION:
            raise WireError(f"an instruction is longer than {MAX_INSTRUCTION} characters")
        end = _value_end(data, dot + 1, length)
        if end >= len(data):
            return None
        if data[end] == 0x3B:  # ;
            return end + 1
        if data[end] != 0x2C:  # ,
            raise WireError("an element does not end where its length says")
        position = end + 1
    raise WireError(f"an instruction has more than {MAX_ELEMENTS} elements")


def _value_end(data: bytes, start: int, length: int) -> int:
    """Index after `length` characters from `start`; past the end of the data where some are missing."""
    end = start + length
    if data[start:end].isascii():
        return end
    end = start
    while length > 0 and end < len(data):
        # count lead bytes in as many bytes as there are characters to go: never too far
        piece = data[end : end + length]
        end += len(piece)
        length -= sum(byte & 0xC0 != 0x80 for byte in piece)
    while length == 0 and end < len(data) and data[end] & 0xC0 == 0x80:
        end += 1  # the rest of the last character
    return end + length
