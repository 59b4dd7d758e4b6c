"""What the drawn desktop shows: a window to drag, a field to type in, buttons to click. Pixels, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from broker.cli.demo.drawn.protocol import Key, Pointer, Rect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Change", "Copied", "Damaged", "Moved", "Scene"]

WINDOW_WIDTH, WINDOW_HEIGHT, TITLE_HEIGHT = 460, 264, 36
FIELD = Rect(24, 84, 412, 40)
COUNT_BUTTON = Rect(24, 148, 132, 40)
COPY_BUTTON = Rect(24, 204, 132, 40)
MAX_TEXT = 200
SKY, PAPER, INK, MUTED, LINE, ACCENT = "#22303c", "#fbfaf7", "#1f2933", "#66717d", "#c9ced4", "#1f6f8b"

_BACKSPACE, _CONTROLS = 0xFF08, frozenset({0xFFE3, 0xFFE4})
_UNICODE_KEYSYM = 0x01000000


class Damaged(NamedTuple):
    """These pixels are new."""

    rect: Rect


class Moved(NamedTuple):
    """The pixels of `source` are now at `target`; what they uncovered is damaged separately."""

    source: Rect
    target: Rect


class Copied(NamedTuple):
    """The person copied a text on this desktop."""

    text: str


Change = Damaged | Moved | Copied


class Scene:
    """The desktop of everybody who is connected."""

    def __init__(self, width: int, height: int) -> None:
        self._corner = (64, 96)
        self._grip: tuple[int, int] | None = None
        self._pressed: Rect | None = None
        self._buttons = 0
        self._control = False
        self._text = ""
        self._clicks = 0
        self._clipboard = ""
        self._window = self._draw_window()
        self.resize(width, height)

    @property
    def screen(self) -> Rect:
        """All of the desktop."""
        return Rect(0, 0, *self._picture.size)

    @property
    def window(self) -> Rect:
        """Where the window stands."""
        return Rect(*self._corner, WINDOW_WIDTH, WINDOW_HEIGHT)

    def pixels(self, rect: Rect) -> NDArray[np.uint8]:
        """Height x width x 3 colours of a region inside the screen."""
        box = (rect.x, rect.y, rect.x + rect.width, rect.y + rect.height)
        return np.asarray(self._picture.crop(box), np.uint8)

    def resize(self, width: int, height: int) -> None:
        """Give the desktop another size; everything is new."""
        self._background = _draw_background(width, height)
        self._picture = self._background.copy()
        self._corner = self._kept_inside(*self._corner)
        self._picture.paste(self._window, self._corner)

    def paste(self, text: str) -> list[Change]:
        """The viewer's clipboard has a new text."""
        self._clipboard = text
        return self._redraw()

    def key(self, event: Key) -> list[Change]:
        """A key: characters go into the field, Ctrl+V pastes, Ctrl+C copies."""
        if event.keysym in _CONTROLS:
            self._control = event.pressed
            return []
        if not event.pressed:
            return []
        character = _character(event.keysym)
        if self._control:
            return self._shortcut(character.lower())
        if event.keysym == _BACKSPACE:
            return self._type(self._text[:-1])
        return self._type(self._text + character) if character else []

    def pointer(self, event: Pointer) -> list[Change]:
        """The pointer: drag the title bar, click the buttons."""
        down = event.buttons & ~self._buttons & 1
        up = self._buttons & ~event.buttons & 1
        self._buttons = event.buttons
        inside = (event.x - self._corner[0], event.y - self._corner[1])
        if down:
            return self._press(inside)
        if up:
            return self._release(inside)
        if self._grip is not None:
            return self._move(event.x - self._grip[0], event.y - self._grip[1])
        return []

    def _press(self, inside: tuple[int, int]) -> list[Change]:
        if _within(inside, Rect(0, 0, WINDOW_WIDTH, TITLE_HEIGHT)):
            self._grip = inside
            return []
        self._pressed = next((rect for rect in (COUNT_BUTTON, COPY_BUTTON) if _within(inside, rect)), None)
        return self._redraw() if self._pressed else []

    def _release(self, inside: tuple[int, int]) -> list[Change]:
        self._grip = None
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            return []
        changes: list[Change] = []
        if _within(inside, pressed):
            if pressed == COUNT_BUTTON:
                self._clicks += 1
            else:
                changes.append(Copied(self._text))
        return [*self._redraw(), *changes]

    def _shortcut(self, letter: str) -> list[Change]:
        if letter == "v":
            return self._type(self._text + " ".join(self._clipboard.split()))
        return [Copied(self._text)] if letter == "c" else []

    def _type(self, text: str) -> list[Change]:
        self._text = text[:MAX_TEXT]
        return self._redraw()

    def _move(self, x: int, y: int) -> list[Change]:
        before = self.window
        self._corner = self._kept_inside(x, y)
        after = self.window
        if before == after:
            return []
        self._picture.paste(
            self._background.crop((before.x, before.y, before.x + before.width, before.y + before.height)),
            (before.x, before.y),
        )
        self._picture.paste(self._window, self._corner)
        return [Moved(before, after), *(Damaged(rect) for rect in _uncovered(before, after))]

    def _kept_inside(self, x: int, y: int) -> tuple[int, int]:
        width, height = self._picture.size
        return (max(0, min(x, width - WINDOW_WIDTH)), max(0, min(y, height - WINDOW_HEIGHT)))

    def _redraw(self) -> list[Change]:
        self._window = self._draw_window()
        self._picture.paste(self._window, self._corner)
        return [Damaged(self.window)]

    def _draw_window(self) -> Image.Image:
        window = Image.new("RGB", (WINDOW_WIDTH, WINDOW_HEIGHT), PAPER)
        draw = ImageDraw.Draw(window)
        draw.rectangle((0, 0, WINDOW_WIDTH, TITLE_HEIGHT), fill=ACCENT)
        draw.rectangle((0, 0, WINDOW_WIDTH - 1, WINDOW_HEIGHT - 1), outline=ACCENT)
        draw.text((16, TITLE_HEIGHT // 2), "Drag me", "white", _FONT, anchor="lm")
        draw.text((FIELD.x, 64), "Type something; Ctrl+V pastes", MUTED, _SMALL, anchor="lm")
        draw.rectangle(_box(FIELD), fill="white", outline=LINE)
        shown = f"{self._text}|"
        while draw.textlength(shown, _FONT) > FIELD.width - 24:
            shown = shown[1:]
        draw.text((FIELD.x + 12, FIELD.y + FIELD.height // 2), shown, INK, _FONT, anchor="lm")
        times = "once" if self._clicks == 1 else f"{self._clicks} times"
        self._draw_button(
            draw, COUNT_BUTTON, "Click me", f"Clicked {times}" if self._clicks else "Not clicked yet"
        )
        held = " ".join(self._clipboard.split())[:30]
        self._draw_button(draw, COPY_BUTTON, "Copy text", f"Your clipboard: {held}" if held else "")
        return window

    def _draw_button(self, draw: ImageDraw.ImageDraw, rect: Rect, label: str, beside: str) -> None:
        pressed = rect == self._pressed
        middle = rect.y + rect.height // 2
        draw.rounded_rectangle(_box(rect), 8, fill=ACCENT if pressed else "white", outline=ACCENT)
        draw.text(
            (rect.x + rect.width // 2, middle), label, "white" if pressed else ACCENT, _FONT, anchor="mm"
        )
        draw.text((rect.x + rect.width + 20, middle), beside, INK, _FONT, anchor="lm")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font with many letters where the machine has it, else the one that Pillow carries."""
    try:
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default(size)


_FONT, _SMALL, _LARGE = _font(16), _font(13), _font(26)


def _draw_background(width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height), SKY)
    draw = ImageDraw.Draw(picture)
    draw.text((64, 48), "A small desktop, drawn by Fanlight", "#e6edf3", _LARGE, anchor="lm")
    hint = "Install an X server with VNC (Xvnc of TigerVNC) and the demo shows a real one."
    draw.text((width // 2, height - 32), hint, "#8b9bab", _SMALL, anchor="mm")
    return picture


def _character(keysym: int) -> str:
    """The printable character of a keysym; empty where it has none."""
    if 0x20 <= keysym <= 0x7E or 0xA0 <= keysym <= 0xFF:
        return chr(keysym)
    if _UNICODE_KEYSYM < keysym <= _UNICODE_KEYSYM + 0x10FFFF:
        character = chr(keysym - _UNICODE_KEYSYM)
        return character if character.isprintable() else ""
    return ""


def _box(rect: Rect) -> tuple[int, int, int, int]:
    return (rect.x, rect.y, rect.x + rect.width - 1, rect.y + rect.height - 1)


def _within(point: tuple[int, int], rect: Rect) -> bool:
    return 0 <= point[0] - rect.x < rect.width and 0 <= point[1] - rect.y < rect.height


def _uncovered(before: Rect, after: Rect) -> Iterator[Rect]:
    """The parts of `before` outside `after`, for rectangles of equal size: at most a row and a column."""
    across, down = after.x - before.x, after.y - before.y
    if abs(across) >= before.width or abs(down) >= before.height:
        yield before
        return
    if down:
        y = before.y if down > 0 else after.y + after.height
        yield Rect(before.x, y, before.width, abs(down))
    if across:
        x = before.x if across > 0 else after.x + after.width
        yield Rect(x, max(before.y, after.y), abs(across), before.height - abs(down))
