"""Just enough of an X11 client to put pictures on a display, fast: no toolkit, no extension, no authentication."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

__all__ = ["Blitter"]

CREATE_WINDOW, MAP_WINDOW, GET_INPUT_FOCUS, CREATE_GC, COPY_AREA, PUT_IMAGE = 1, 8, 43, 55, 62, 72
SET_CLOSE_DOWN_MODE = 112
RETAIN_PERMANENT = 1
OVERRIDE_REDIRECT, GRAPHICS_EXPOSURES = 1 << 9, 1 << 16
Z_PIXMAP, DEPTH = 2, 24


class Blitter:
    """A window over the whole display, as a context manager; the window stays when the program ends."""

    def __init__(self, display: str) -> None:
        """`display` is like `:7`, a local one."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(f"/tmp/.X11-unix/X{display.lstrip(':')}")
        self._socket.sendall(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
        accepted, length = struct.unpack("<B5xH", self._read(8))
        setup = self._read(4 * length)
        assert accepted == 1, f"the display refused: {setup!r}"
        base, vendor, longest, formats = struct.unpack_from("<4xI8xHHxB", setup)
        screen = 32 + -(-vendor // 4) * 4 + 8 * formats
        root, self.width, self.height = struct.unpack_from("<I16xHH", setup, screen)
        self._request_bytes = 4 * longest
        self._window, self._context = base, base + 1
        self._send(
            CREATE_WINDOW, DEPTH, struct.pack("<IIhhHHHHIII", base, root, 0, 0, self.width, self.height, 0, 1, 0, OVERRIDE_REDIRECT, 1)
        )  # fmt: skip
        self._send(MAP_WINDOW, 0, struct.pack("<I", self._window))
        self._send(CREATE_GC, 0, struct.pack("<IIII", self._context, self._window, GRAPHICS_EXPOSURES, 0))
        self._send(SET_CLOSE_DOWN_MODE, RETAIN_PERMANENT)
        self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def put(self, x: int, y: int, picture: NDArray[np.uint8]) -> None:
        """Draw pixels, shape (height, width, 4): blue, green, red, anything."""
        height, width, _ = picture.shape
        rows = (self._request_bytes - 24) // (4 * width)
        for top in range(0, height, rows):
            part = np.ascontiguousarray(picture[top : top + rows])
            place = struct.pack(
                "<IIHHhhBBxx", self._window, self._context, width, len(part), x, y + top, 0, DEPTH
            )
            self._send(PUT_IMAGE, Z_PIXMAP, place, part)

    def copy(self, source_x: int, source_y: int, width: int, height: int, x: int, y: int) -> None:
        """Move pixels within the window; a VNC server may see that they moved."""
        places = struct.pack("<hhhhHH", source_x, source_y, x, y, width, height)
        self._send(COPY_AREA, 0, struct.pack("<III", self._window, self._window, self._context) + places)

    def wait(self) -> None:
        """Return when the display has done everything."""
        self._send(GET_INPUT_FOCUS, 0)
        reply, code = struct.unpack("<BB30x", self._read(32))
        assert reply == 1, f"the display reports error {code}"

    def _send(
        self, opcode: int, detail: int, body: bytes = b"", image: NDArray[np.uint8] | None = None
    ) -> None:
        size = 4 + len(body) + (0 if image is None else image.nbytes)
        self._socket.sendall(struct.pack("<BBH", opcode, detail, size // 4) + body)
        if image is not None:
            self._socket.sendall(image)

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            assert part, "the display closed the connection"
            data += part
        return data
