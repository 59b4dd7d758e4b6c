"""Recordings in the page: found, played, and gone through by mouse and by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.screen import eventually
from tests.fakes import recordings, web_tier

if TYPE_CHECKING:
    from tests.webapp.person import Person

pytestmark = pytest.mark.e2e

RED, GREEN = (255, 0, 0), (0, 128, 0)


def open_recordings(person: Person) -> None:
    person.page.goto(f"{person.tier.url}#/?token={web_tier.TOKEN}")
    person.see("#home-recordings").click()
    person.see("#recordings-list li")


def play(person: Person, name: str) -> None:
    person.page.locator(f"#recordings-list >> text={name}").click()
    person.see("#player")


def pixel(person: Person) -> tuple[int, int, int]:
    box = person.page.locator("#player-stage > div").bounding_box()
    assert box is not None
    return person.pixel(round(box["x"]) + 20, round(box["y"]) + 20)


def test_the_picture_stays_until_an_earlier_one_is_drawn(person: Person) -> None:
    person.tier.recordings = {"desk": recordings.desktop(["red", "green"])}
    open_recordings(person)
    play(person, "desk")
    person.page.keyboard.press("]")
    eventually(lambda: pixel(person) == RED, "something is seen")
    person.page.evaluate(
        """() => {
            window.widths = [];
            const stage = document.getElementById("player-stage");
            const width = () => stage.querySelector("canvas")?.getBoundingClientRect().width ?? 0;
            new MutationObserver(() => widths.push(width())).observe(stage, { childList: true, subtree: true });
        }"""
    )
    person.page.keyboard.press("[")
    eventually(lambda: person.page.evaluate("widths.length") > 0, "an earlier picture was drawn")
    assert min(person.page.evaluate("widths")) > 0


def test_a_desktop_is_played_and_gone_through(person: Person) -> None:
    person.tier.recordings = {"<b>desk</b>\u202e" + "x" * 300: recordings.desktop(["red", "green"])}
    open_recordings(person)
    assert "unrecorded" not in person.page.locator("#recordings-list").inner_text()
    play(person, "<b>desk</b>")
    assert person.page.locator("#player-time").inner_text() == "00:00 / 00:20"
    before = pixel(person)
    press = person.page.keyboard.press
    press("]")
    eventually(lambda: pixel(person) == RED, "the next activity was shown")
    press("]")
    eventually(lambda: pixel(person) == GREEN, "and the one after it")
    press("ArrowLeft")
    eventually(lambda: pixel(person) == RED, "five seconds earlier")
    press("[")
    press("[")
    eventually(lambda: pixel(person) == before, "back at the beginning")
    person.page.locator("#player-speed").select_option("16")
    person.page.locator("#player-toggle").click()
    eventually(lambda: pixel(person) == GREEN, "it was played to its end")
    eventually(
        lambda: person.page.locator("#player-toggle").get_attribute("aria-label") == "Play",
        "and stopped there",
    )


def test_a_shell_is_played_as_text(person: Person) -> None:
    person.tier.recordings = {"shell": recordings.cast()}
    open_recordings(person)
    play(person, "shell")
    person.page.locator("#player-position").fill("1300")
    person.see("#player-stage >> text=notes.md")
    assert "done" not in person.page.locator("#player-stage").inner_text()
    person.page.locator("#player-on").click()
    person.see("#player-stage >> text=echo done")
    assert person.page.locator("#player-activity path").get_attribute("d") not in {None, ""}


def test_what_cannot_be_played_is_said(person: Person) -> None:
    person.tier.recordings = {"broken": b"<html>", "shell": recordings.cast()}
    open_recordings(person)
    person.page.locator("#recordings-list >> text=broken").click()
    person.see("#recordings-state >> text=cannot be played")
    play(person, "shell")
