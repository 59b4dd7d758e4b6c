"""The Guacamole instruction codec (sheet section 1): `4.size,4.1024,3.768;`.

Lengths count Unicode code points. Parsers here see bytes cut anywhere and give the same result however they are cut.
"""

from __future__ import annotations

import codecs
from functools import lru_cache
from typing import NamedTuple

from proxyd.wire.status import Status, StatusError

__all__ = ["BLOB_BYTES", "Instruction", "InstructionParser", "WireError", "encode"]

MAX_ELEMENT = 8192
"""Code points in one element; guacd refuses 8193."""
MAX_ELEMENTS = 128
"""Elements in one instruction, opcode included."""
MAX_INSTRUCTION = 32768
"""Code points in one whole instruction: what guacd's buffer holds; a `connect` with a private key comes near."""
MAX_DIGITS = 5
"""Digits in a length."""
BLOB_BYTES = 6048
"""Raw bytes in one `blob`: 8064 base64 characters, inside every peer's limit."""

_DIGITS = frozenset("0123456789")


class Instruction(NamedTuple):
    """An opcode and its arguments."""

    opcode: str
    args: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """The bytes of this instruction."""
        return encode(self.opcode, *self.args)


def encode(*elements: str | int) -> bytes:
    """Encode opcode and arguments; integers are written in decimal."""
    parts = [f"{len(part)}.{part}" if isinstance(part, str) else _number(part) for part in elements]
    return (",".join(parts) + ";").encode()


@lru_cache(maxsize=4096)
def _number(number: int) -> str:
    """An element; the same coordinates come again and again."""
    text = str(number)
    return f"{len(text)}.{text}"


class WireError(StatusError):
    """The bytes are not a sequence of instructions.

    Attributes:
        completed: instructions of the same `feed` that ended before the broken one.
    """

    def __init__(self, message: str) -> None:
        super().__init__(Status.CLIENT_BAD_REQUEST, message)
        self.completed: list[Instruction] = []


class InstructionParser:
    """Incremental parser with limits on digits, elements and length.

    A sender that counts UTF-16 units (guacamole-common-js 1.5.0) is understood as well: where the terminator does not
    fit and the value holds supplementary-plane characters, the length is taken as UTF-16 units.
    """

    def __init__(
        self,
        max_element: int = MAX_ELEMENT,
        max_elements: int = MAX_ELEMENTS,
        max_instruction: int = MAX_INSTRUCTION,
    ) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._text = ""
        self._position = 0  # start of the element being read, in _text
        self._elements: list[str] = []
        self._length_limit = max_instruction
        self._element_limit = max_element
        self._count_limit = max_elements
        self._undecodable = False
        self._failed: WireError | None = None

    @property
    def pending(self) -> bool:
        """Whether an instruction has begun and not ended."""
        return bool(self._elements) or self._position < len(self._text) or bool(self._decoder.getstate()[0])

    def feed(self, data: bytes) -> list[Instruction]:
        """Return the instructions that `data` completes.

        Raises:
            WireError: the bytes break the grammar or a limit. Every later call raises it again.
        """
        if self._failed is not None:
            raise self._failed
        done: list[Instruction] = []
        try:
            self._text += self._decode(data)
            self._parse(done)
            if self._undecodable:
                raise WireError("an instruction is not UTF-8")
        except WireError as error:
            error.completed = done
            self._failed = error
            raise
        return done

    def _decode(self, data: bytes) -> str:
        """The text of `data` up to the first byte that is not UTF-8."""
        try:
            return self._decoder.decode(data)
        except UnicodeDecodeError as error:
            self._undecodable = True
            return bytes(error.object[: error.start]).decode()

    def _parse(self, done: list[Instruction]) -> None:
        text, position, elements = self._text, self._position, self._elements
        start = 0  # where the instruction in progress begins in text
        while True:
            end = self._element_end(text, position)
            if end is None:
                break
            value_start = text.index(".", position) + 1
            elements.append(text[value_start:end])
            if len(elements) > self._count_limit:
                raise WireError(f"an instruction has more than {self._count_limit} elements")
            position = end + 1
            if position - start > self._length_limit:
                raise WireError(f"an instruction is longer than {self._length_limit} characters")
            if text[end] == ";":
                done.append(Instruction(elements[0], tuple(elements[1:])))
                elements = []
                start = position
        if len(text) - start > self._length_limit:
            raise WireError(f"an instruction is longer than {self._length_limit} characters")
        self._text = text[start:]
        self._position = position - start
        self._elements = elements

    def _element_end(self, text: str, position: int) -> int | None:
        """Index of the terminator of the element at `position`; None while more text is needed."""
        dot = text.find(".", position, position + MAX_DIGITS + 1)
        if dot < 0:
            head = text[position : position + MAX_DIGITS + 1]
            if not _DIGITS.issuperset(head):
                raise WireError("the length of an element is not a number")
            if len(head) > MAX_DIGITS:
                raise WireError(f"the length of an element has more than {MAX_DIGITS} digits")
            return None
        digits = text[position:dot]
        if not _DIGITS.issuperset(digits):
            raise WireError("the length of an element is not a number")
        length = int(digits) if digits else 0
        if length > self._element_limit:
            raise WireError(f"an element is longer than {self._element_limit} characters")
        end = dot + 1 + length
        if end >= len(text):
            return None
        if text[end] not in ",;":
            return _utf16_end(text, dot + 1, length)
        return end


def _utf16_end(text: str, start: int, units: int) -> int:
    """End of a value whose length counts UTF-16 units.

    Raises:
        WireError: no terminator stands there either.
    """
    end = start
    while units > 0 and end < len(text):
        units -= 2 if text[end] > "\uffff" else 1
        end += 1
    if units == 0 and end < len(text) and text[end] in ",;":
        return end
    raise WireError("an element does not end where its length says")
