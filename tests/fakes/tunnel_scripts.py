"""What happens on a tunnel of the scripted web tier: desktops and shells that are drawn, fail, ask, or have files."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from proxyd.session import PROMPT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.fakes.web_tier import Line, Script

__all__ = [
    "HasFiles",
    "asks_code",
    "asks_password",
    "closes",
    "fails",
    "never_answers",
    "paints_desktop",
    "paints_shell",
]


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def desktop_picture(width: int, height: int) -> Image.Image:
    """A desktop with a window on it."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for y in range(height):
        shade = y / height
        draw.line(
            [(0, y), (width, y)], fill=(int(30 + 30 * shade), int(70 + 40 * shade), int(110 + 40 * shade))
        )
    left, top, right, bottom = width // 8, height // 8, width * 5 // 8, height * 5 // 8
    draw.rectangle([left, top, right, bottom], fill="#f7f7f4", outline="#1d2733")
    draw.rectangle([left, top, right, top + 28], fill="#2b3a4a")
    draw.text((left + 10, top + 6), "Data Explorer", fill="white", font=_font(15))
    for row in range(8):
        y = top + 48 + row * 24
        draw.text(
            (left + 16, y), f"sample-{row:03}.fastq.gz     {row * 137 % 900} MB", fill="#333", font=_font(14)
        )
    draw.rectangle([0, height - 32, width, height], fill="#161c24")
    draw.text((12, height - 24), "Applications", fill="#d8dde3", font=_font(14))
    return picture


def shell_picture(width: int, height: int) -> Image.Image:
    """A terminal with a prompt."""
    picture = Image.new("RGB", (width, height), "#10151c")
    draw = ImageDraw.Draw(picture)
    rows = [
        "alice@dev:~$ uptime",
        " 19:52:01 up 12 days,  3:04,  1 user,  load average: 0.12, 0.08, 0.02",
        "alice@dev:~$ _",
    ]
    for number, row in enumerate(rows):
        draw.text((6, 6 + number * 18), row, fill="#d6dce6", font=_font(14))
    return picture


async def paints_desktop(line: Line) -> None:
    """A desktop that follows the window and marks every click."""
    await line.stream(0, b"", "argv", "text/plain", "quality-level")
    await line.send("name", "alice's desktop")
    await _show(line, desktop_picture)
    await _serve(line, desktop_picture)


async def paints_shell(line: Line) -> None:
    """A shell whose colours and text size can be changed, and which can be asked for what proxyd's terminal can."""
    announced = {
        "color-scheme": "gray-black",
        "font-size": "12",
        "fanlight-command": "clear copy newer older save search text",
    }
    for index, (name, value) in enumerate(announced.items()):
        await line.stream(2 * index, value.encode(), "argv", "text/plain", name)
    await line.send("name", "alice@dev: ~")
    await _show(line, shell_picture)
    await _serve(line, shell_picture, _obey)


async def _obey(line: Line, command: str) -> None:
    """Answer what the page's menu asks a terminal."""
    match command.split(" ", 1):
        case ["search", words]:
            await line.stream(
                2, b"0 0" if words == "nothing" else b"1 12+", "pipe", "text/plain", "fanlight-search"
            )
        case ["older"]:
            await line.stream(2, b"2 12", "pipe", "text/plain", "fanlight-search")
        case ["copy"]:
            await line.stream(2, b"copied", "clipboard", "text/plain")
        case ["text", "on"]:
            await line.stream(2, b"$ ls\nnotes.md\n$", "pipe", "text/plain", "fanlight-text")
            await line.stream(2, b"notes.md\n$ date\nToday", "pipe", "text/plain", "fanlight-text")


async def _show(line: Line, picture: Callable[[int, int], Image.Image]) -> None:
    await line.send("size", 0, line.width, line.height)
    await line.paint(picture(line.width, line.height))
    await line.sync()


async def _serve(
    line: Line,
    picture: Callable[[int, int], Image.Image],
    obey: Callable[[Line, str], Awaitable[None]] | None = None,
) -> None:
    while (instruction := await line.receive()) is not None:
        if instruction.opcode == "size":
            line.width, line.height = (int(argument) for argument in instruction.args[:2])
            await _show(line, picture)
        elif instruction.opcode == "blob" and obey is not None:
            await obey(line, base64.b64decode(instruction.args[1]).decode())
        elif instruction.opcode == "mouse" and instruction.args[2] != "0":
            x, y = (int(argument) for argument in instruction.args[:2])
            colour = {"1": "#e5484d", "2": "#30a46c", "4": "#f5d90a"}.get(instruction.args[2], "#8e4ec6")
            await line.paint(Image.new("RGB", (8, 8), colour), 0, max(0, x - 4), max(0, y - 4))
            await line.sync()


def fails(status: int, text: str) -> Script:
    """An instance that cannot be opened."""

    async def script(line: Line) -> None:
        await line.end(status, text)

    return script


def closes(status: int) -> Script:
    """A tunnel that the web tier ends with a status."""

    async def script(line: Line) -> None:
        await line.socket.close(code=1011, message=str(status).encode())

    return script


async def never_answers(line: Line) -> None:
    """An instance that takes for ever."""
    while await line.receive() is not None:
        pass


async def asks_password(line: Line) -> None:
    """A desktop that wants a password first."""
    await line.send("required", "password")
    while (instruction := await line.receive()) is not None:
        if instruction.opcode == "end":
            await paints_desktop(line)
            return


async def asks_code(line: Line) -> None:
    """A shell behind a gateway that wants a one-time code first."""
    await line.send("msg", PROMPT, "Example University, authorised use only.\nOne-time code: ", "0")
    await line.send("required", "gateway-answer")
    while (instruction := await line.receive()) is not None:
        if instruction.opcode == "end":
            await paints_shell(line)
            return


INDEX = "application/vnd.glyptodon.guacamole.stream-index+json"


class HasFiles:
    """A desktop with folders: a filesystem object, uploads by `put` and by `file`.

    Attributes:
        tree: content by absolute path; None is a folder.
        room: bytes that an uploaded file may have: more fails at the end, as on a full disk.
        stalls_after: bytes of a download after which nothing more comes.
        takes_nothing: whether no blob of an upload is ever acknowledged.
    """

    def __init__(self, tree: dict[str, bytes | None]) -> None:
        self.tree = tree
        self.room = self.stalls_after = 1 << 40
        self.takes_nothing = False
        self._acked: dict[str, asyncio.Queue[str]] = {}

    async def __call__(self, line: Line) -> None:
        await _show(line, desktop_picture)
        await line.send("filesystem", 0, "/")
        writing: dict[str, str] = {}
        downloads: set[asyncio.Task[None]] = set()
        while (instruction := await line.receive()) is not None:
            opcode, args = instruction
            if opcode == "get":
                downloads.add(asyncio.create_task(self._answer(line, args[1])))
            elif opcode == "put":
                writing[args[1]] = args[3]
                self.tree[args[3]] = b""
                await line.send("ack", args[1], "OK", 0)
            elif opcode == "file":
                writing[args[0]] = "/home/alice/" + args[2]
                self.tree[writing[args[0]]] = b""
                await line.send("ack", args[0], "OK", 0)
            elif opcode == "blob" and args[0] in writing and not self.takes_nothing:
                name = writing[args[0]]
                self.tree[name] = (self.tree[name] or b"") + base64.b64decode(args[1])
                await line.send("ack", args[0], "OK", 0)
            elif opcode == "end" and args[0] in writing and len(args) > 1:
                del self.tree[writing.pop(args[0])]
                await line.send("ack", args[0], "The upload was stopped.", 518)
            elif opcode == "end" and args[0] in writing:
                full = len(self.tree[writing.pop(args[0])] or b"") > self.room
                await line.send("ack", args[0], "SFTP: Close failed" if full else "OK", 512 if full else 0)
            elif opcode == "ack" and args[0] in self._acked:
                self._acked[args[0]].put_nowait(args[2])

    async def _answer(self, line: Line, path: str) -> None:
        with contextlib.suppress(ConnectionError):  # the person left
            await self._send(line, path)

    async def _send(self, line: Line, path: str) -> None:
        index = str(10 + 2 * len(self._acked))
        acked = self._acked[index] = asyncio.Queue()
        content = self.tree.get(path)
        if path != "/" and content is not None:
            data, mimetype = content, "application/octet-stream"
        else:
            data, mimetype = self._listing(path), INDEX
        await line.send("body", 0, index, mimetype, path)
        for offset in range(0, len(data), 4096):
            if await acked.get() != "0" or offset > self.stalls_after:
                return
            await line.send("blob", index, base64.b64encode(data[offset : offset + 4096]).decode())
        if await acked.get() == "0":
            await line.send("end", index)

    def _listing(self, folder: str) -> bytes:
        prefix = folder if folder.endswith("/") else folder + "/"
        names = {path for path in self.tree if path.startswith(prefix) and "/" not in path[len(prefix) :]}
        return json.dumps({name: self._type(name) for name in names if name != prefix}).encode()

    def _type(self, name: str) -> str:
        content = self.tree[name]
        if content is None:
            return INDEX
        return f"application/octet-stream;size={len(content)};modified=1763838000"
