"""The scene, and what a viewer who repaints only what it is told ends up seeing."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.cli.demo.drawn.protocol import Key, Pointer, Rect
from broker.cli.demo.drawn.scene import COPY_BUTTON, COUNT_BUTTON, Change, Copied, Damaged, Scene
from broker.cli.demo.drawn.server import Pending


def click(scene: Scene, rect: Rect) -> list[Change]:
    x, y = scene.window.x + rect.x + 5, scene.window.y + rect.y + 5
    return [*scene.pointer(Pointer(x, y, 1)), *scene.pointer(Pointer(x, y, 0))]


def write(scene: Scene, text: str) -> list[Change]:
    return [change for letter in text for change in scene.key(Key(ord(letter), pressed=True))]


def picture(scene: Scene) -> bytes:
    return scene.pixels(scene.screen).tobytes()


def test_typed_text_is_drawn_and_erased() -> None:
    scene = Scene(800, 600)
    empty = picture(scene)
    assert write(scene, "a") == [Damaged(scene.window)]
    assert picture(scene) != empty
    scene.key(Key(0xFF08, pressed=True))
    assert picture(scene) == empty


def test_a_click_on_the_button_shows_and_one_beside_it_does_not() -> None:
    scene = Scene(800, 600)
    before = picture(scene)
    click(scene, Rect(300, 60, 1, 1))
    assert picture(scene) == before
    click(scene, COUNT_BUTTON)
    once = picture(scene)
    assert once != before
    click(scene, COUNT_BUTTON)
    assert picture(scene) != once


def test_text_goes_to_the_viewers_clipboard_and_comes_back() -> None:
    scene = Scene(800, 600)
    write(scene, "abc")
    assert Copied("abc") in click(scene, COPY_BUTTON)
    scene.paste("xyz")
    scene.key(Key(0xFFE3, pressed=True))
    write(scene, "v")
    scene.key(Key(0xFFE3, pressed=False))
    assert Copied("abcxyz") in click(scene, COPY_BUTTON)


def test_the_window_stays_on_the_screen() -> None:
    scene = Scene(640, 400)
    grip = (scene.window.x + 10, scene.window.y + 10)
    scene.pointer(Pointer(*grip, 1))
    scene.pointer(Pointer(5000, 5000, 1))
    assert (scene.window.x + scene.window.width, scene.window.y + scene.window.height) == (640, 400)
    scene.resize(500, 300)
    assert (scene.window.x + scene.window.width, scene.window.y + scene.window.height) == (500, 300)


class Viewer:
    """Keeps the pixels that it was sent, as a client would."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.pending = Pending()
        self.pixels = scene.pixels(scene.screen).copy()

    def update(self, *, copies: bool) -> None:
        move, damage = self.pending.take(copies=copies)
        if move is not None:
            source, target = move
            moved = self._part(source).copy()
            self._part(target)[:] = moved
        for rect in damage:
            self._part(rect)[:] = self.scene.pixels(rect)

    def _part(self, rect: Rect) -> np.ndarray:
        return self.pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]


step = st.one_of(
    st.tuples(st.just("drag"), st.integers(-300, 900), st.integers(-200, 700)),
    st.tuples(st.just("type"), st.just(0), st.just(0)),
    st.tuples(st.just("look"), st.booleans(), st.just(0)),
)


@settings(max_examples=40)
@given(st.lists(step, max_size=12))
def test_what_a_viewer_is_sent_adds_up_to_the_scene(steps: list[tuple[str, int, int]]) -> None:
    scene = Scene(800, 600)
    viewer = Viewer(scene)
    for kind, first, second in steps:
        if kind == "look":
            viewer.update(copies=bool(first))
        elif kind == "type":
            viewer.pending.add(write(scene, "x"))
        else:
            grip = Pointer(scene.window.x + 5, scene.window.y + 5, 1)
            viewer.pending.add(scene.pointer(grip))
            viewer.pending.add(scene.pointer(Pointer(first, second, 1)))
            viewer.pending.add(scene.pointer(Pointer(first, second, 0)))
    viewer.update(copies=True)
    assert viewer.pixels.tobytes() == picture(scene)
