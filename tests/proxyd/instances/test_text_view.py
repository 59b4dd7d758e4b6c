from __future__ import annotations

import asyncio
import itertools

import pytest

from proxyd.instances import text_view
from proxyd.instances.text_view import TextView, visible_text
from proxyd.terminal.terminal import Terminal


def test_rows_that_wrapped_are_one_line() -> None:
    terminal = Terminal(5, 4)
    terminal.feed("abcdefg\r\n中x  \r\n".encode())
    assert visible_text(terminal.screen) == "abcdefg\n中x"


def test_it_is_what_is_in_view() -> None:
    terminal = Terminal(10, 2)
    terminal.feed(b"one\r\ntwo\r\nthree")
    terminal.screen.scroll_view(1)
    assert visible_text(terminal.screen) == "one\ntwo"


async def test_texts_keep_their_distance_and_are_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_view, "SOON", 0.001)
    monkeypatch.setattr(text_view, "EVERY", 0.02)
    terminal, sent, loop = Terminal(10, 2), [], asyncio.get_running_loop()
    view = TextView(terminal.screen, lambda text: sent.append((loop.time(), text)))
    end = loop.time() + 0.15
    while loop.time() < end:
        terminal.feed(b"\rx" if len(sent) > 2 else b"\r%d" % len(sent))
        view.touched()
        await asyncio.sleep(0.001)
    assert [text for _, text in sent] == ["0", "1", "2", "x"]
    assert all(after - before >= 0.02 for (before, _), (after, _) in itertools.pairwise(sent))
    view.stop()
