"""Fingers on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.screen import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.webapp.person import Person

pytestmark = pytest.mark.e2e

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 1,
}


class Hand:
    """Fingers by number."""

    def __init__(self, person: Person) -> None:
        self._session: Any = person.context.new_cdp_session(person.page)
        self._fingers: dict[int, tuple[float, float]] = {}

    def down(self, finger: int, x: float, y: float) -> None:
        self._fingers[finger] = (x, y)
        self._dispatch("touchStart")

    def move(self, *places: tuple[int, float, float]) -> None:
        for finger, x, y in places:
            self._fingers[finger] = (x, y)
        self._dispatch("touchMove")

    def up(self, finger: int) -> None:
        del self._fingers[finger]
        self._dispatch("touchEnd")

    def _dispatch(self, kind: str) -> None:
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in self._fingers.items()]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.fixture
def phone(visit: Callable[..., Person]) -> Person:
    person = visit(**PHONE)
    person.open("desktop")
    return person


@pytest.fixture
def hand(phone: Person) -> Hand:
    return Hand(phone)


def test_a_tap_clicks(phone: Person, hand: Hand) -> None:
    hand.down(1, 100, 200)
    hand.up(1)
    phone.wait_sent("mouse", [("100", "200", "0"), ("100", "200", "1"), ("100", "200", "0")])


def test_a_long_press_is_the_right_button(phone: Person, hand: Hand) -> None:
    hand.down(1, 100, 200)
    phone.wait_sent("mouse", [("100", "200", "0"), ("100", "200", "4"), ("100", "200", "0")])
    hand.up(1)


def test_a_finger_drags(phone: Person, hand: Hand) -> None:
    hand.down(1, 100, 200)
    hand.move((1, 130, 230))
    hand.move((1, 160, 260))
    hand.up(1)
    phone.wait_sent(
        "mouse",
        [
            ("100", "200", "0"),
            ("100", "200", "1"),
            ("130", "230", "1"),
            ("160", "260", "1"),
            ("160", "260", "0"),
        ],
    )


def test_two_fingers_turn_the_wheel(phone: Person, hand: Hand) -> None:
    hand.down(1, 100, 300)
    hand.down(2, 160, 300)
    hand.move((1, 100, 280), (2, 160, 280))
    hand.move((1, 100, 220), (2, 160, 220))
    eventually(lambda: any(mask == "16" for _, _, mask in phone.sent("mouse")), "the wheel was turned down")
    hand.up(2)
    hand.up(1)
    assert not [mask for _, _, mask in phone.sent("mouse") if mask in {"1", "4"}]


def test_two_fingers_zoom_and_the_instance_keeps_its_size(phone: Person, hand: Hand) -> None:
    hand.down(1, 180, 400)
    hand.down(2, 220, 400)
    for spread in (40, 60, 80):
        hand.move((1, 200 - spread, 400), (2, 200 + spread, 400))
    hand.up(2)
    hand.up(1)
    box = phone.page.locator("#display").bounding_box()
    assert box is not None
    assert box["width"] > 700
    hand.down(1, 200, 400)
    hand.up(1)
    eventually(lambda: phone.sent("mouse"), "the tap was sent")
    x, y, _ = phone.sent("mouse")[-1]
    assert abs(int(x) - 200) <= 2
    assert abs(int(y) - 400) <= 2
    assert phone.sent("size") == []


def test_a_touchpad_moves_the_pointer(phone: Person, hand: Hand) -> None:
    phone.open_menu("mouse-settings").locator("#relative").check()
    phone.page.locator("#menu-close").click()
    phone.miss("#guac-menu")
    hand.down(1, 300, 700)
    hand.move((1, 320, 700))
    hand.move((1, 340, 720))
    hand.up(1)


    def went() -> bool:
        return any(30 < int(x) < 120 and 10 < int(y) < 80 for x, y, _ in phone.sent("mouse")[-1:])

    eventually(went, "the pointer moved")
    x, y, mask = (int(value) for value in phone.sent("mouse")[-1])
    assert mask == 0
    hand.down(1, 50, 50)
    hand.up(1)
    phone.wait_sent("mouse", [(str(x), str(y), "1"), (str(x), str(y), "0")])


def test_a_swipe_from_the_edge_opens_the_menu(phone: Person, hand: Hand) -> None:
    hand.down(1, 385, 700)
    hand.move((1, 330, 702))
    hand.up(1)
    phone.see("#guac-menu.open")


def test_the_bar_has_the_keys_that_phones_lack(phone: Person) -> None:
    phone.page.locator("#keyboard-button").tap()
    bar = phone.see("#key-bar")
    bar.get_by_role("button", name="Ctrl").tap()
    assert bar.get_by_role("button", name="Ctrl").get_attribute("aria-pressed") == "true"
    phone.page.keyboard.insert_text("c")
    phone.wait_sent("key", [("65507", "1"), ("99", "1"), ("99", "0"), ("65507", "0")])
    assert bar.get_by_role("button", name="Ctrl").get_attribute("aria-pressed") == "false"
    bar.get_by_role("button", name="Arrow up").tap()
    phone.wait_sent("key", [("65362", "1"), ("65362", "0")])
    phone.page.evaluate(
        """document.activeElement.dispatchEvent(
            new InputEvent("beforeinput", { inputType: "deleteContentBackward", bubbles: true, cancelable: true }))"""
    )
    phone.wait_sent("key", [("65288", "1"), ("65288", "0")])
