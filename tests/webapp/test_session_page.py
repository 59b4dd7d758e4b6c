"""A session in the page: opening, working, losing the network, ending."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.e2e.screen import eventually
from tests.fakes import tunnel_scripts, web_tier

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator

    from tests.fakes.web_tier import Line, WebTier
    from tests.webapp.person import Person

pytestmark = pytest.mark.e2e

RED = (0xE5, 0x48, 0x4D)
LETTER_V = "118"
CONTROL = "65507"


def clipboard_of(line: Line) -> list[str]:
    """Texts that were put on the instance's clipboard."""
    texts: list[str] = []
    stream = ""
    for opcode, args in line.received:
        if opcode == "clipboard":
            stream, data = args[0], b""
        elif opcode == "blob" and args[0] == stream:
            data += base64.b64decode(args[1])
        elif opcode == "end" and args[0] == stream:
            texts.append(data.decode())
    return texts


# -- opening ---------------------------------------------------------------------------------------------------------


def test_the_token_leaves_the_address_bar_and_the_tunnel_gets_what_it_needs(person: Person) -> None:
    line = person.open("desktop")
    assert "token" not in person.page.url
    assert person.page.url.startswith(person.tier.url + "#/client/")
    query = line.query
    assert query["token"] == web_tier.TOKEN
    assert (query["GUAC_ID"], query["GUAC_TYPE"], query["GUAC_DATA_SOURCE"]) == ("desktop", "c", "hmac")
    assert (query["GUAC_WIDTH"], query["GUAC_HEIGHT"], query["GUAC_DPI"]) == ("800", "600", "96")


def test_the_token_never_travels_in_a_page_request(person: Person) -> None:
    person.open("desktop")
    pages = [path for method, path in person.tier.requests if "tunnel" not in path]
    assert not [path for path in pages if web_tier.TOKEN in path]


def test_a_reload_opens_the_same_session_without_a_link(person: Person) -> None:
    person.open("desktop")
    person.page.on("dialog", lambda dialog: dialog.accept())
    person.page.reload()
    person.wait_for("connected")


def test_unknown_tokens_get_a_kind_page_and_no_tunnel(person: Person) -> None:
    person.page.goto(person.tier.link("desktop", token="B" * 64))
    page = person.see("#sign-in")
    assert "no longer valid" in page.inner_text()
    assert person.tier.lines == []
    assert page.locator("a.fl-primary").get_attribute("href") == "https://portal.example.org/"


def test_nobody_without_a_link_is_asked_for_a_password(person: Person) -> None:
    person.page.goto(person.tier.url)
    page = person.see("#sign-in")
    assert "from the portal" in page.inner_text()
    assert page.locator("input").count() == 0


def test_where_sockets_are_blocked_the_page_goes_over_http(person: Person, tier: WebTier) -> None:
    tier.blocks_websockets = True
    person.page.goto(tier.link("desktop"))
    eventually(lambda: ("POST", "/guacamole/tunnel?connect") in tier.requests, "it asked over HTTP")


def test_steps_are_told_while_connecting_and_the_person_can_give_up(person: Person, tier: WebTier) -> None:
    tier.scripts["slow"] = tunnel_scripts.never_answers
    person.page.goto(tier.link("slow"))
    card = person.see("#connecting")
    assert card.locator("[data-step=sign-in]").get_attribute("data-progress") == "done"
    person.see("#connecting [data-progress=current] >> text=Reaching your instance")
    person.page.locator("#connecting-cancel").click()
    assert "Not connected" in person.see("#failure").inner_text()
    eventually(lambda: tier.lines[-1].ended, "the tunnel was closed")


def test_the_window_is_named_by_the_instance(person: Person) -> None:
    line = person.open("desktop")
    assert person.page.title() == "alice's desktop – Example University"
    hostile = "a\u202e\u0007<b>x</b>" + "y" * 10_000
    person.tier.call(line.send("name", hostile[:4000]))
    eventually(lambda: person.page.title().startswith("a <b>x</b>yyy"), "the title changed")
    assert len(person.page.title()) < 160


def test_hostile_names_are_text_and_short_everywhere(person: Person, tier: WebTier) -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e\u0007" + "y" * 10_000
    tier.connections = {hostile: "vnc", "plain": "<b>ssh</b>"}
    person.page.goto(f"{tier.url}#/?token={web_tier.TOKEN}")
    cards = person.see("#connections")
    assert cards.locator("img, b").count() == 0
    name = cards.locator(".name").first.inner_text()
    assert name.startswith("<img src=x onerror=alert(1)>")
    assert len(name) <= 120
    assert "\u202e" not in name


# -- working ---------------------------------------------------------------------------------------------------------


def test_keys_go_to_the_instance(person: Person) -> None:
    person.open("desktop")
    person.page.keyboard.type("aß")
    person.wait_sent("key", [("97", "1"), ("97", "0"), ("223", "1"), ("223", "0")])
    person.page.keyboard.press("Control+c")
    person.wait_sent("key", [(CONTROL, "1"), ("99", "1"), ("99", "0"), (CONTROL, "0")])
    person.page.keyboard.press("Tab")
    person.wait_sent("key", [("65289", "1"), ("65289", "0")])


def test_composed_text_arrives_as_characters(person: Person) -> None:
    person.open("desktop")
    person.page.keyboard.insert_text("é😀")
    person.wait_sent("key", [("233", "1"), ("233", "0"), (str(0x0101F600), "1"), (str(0x0101F600), "0")])


def test_a_click_reaches_the_pixel_that_was_meant(person: Person) -> None:
    person.open("desktop")
    person.page.mouse.click(321, 123)
    person.wait_sent("mouse", [("321", "123", "1"), ("321", "123", "0")])
    eventually(lambda: person.pixel(321, 123) == RED, "the click was drawn where it was made")


def test_buttons_drags_and_the_wheel(person: Person) -> None:
    person.open("desktop")
    mouse = person.page.mouse
    mouse.click(10, 20, button="right")
    person.wait_sent("mouse", [("10", "20", "4"), ("10", "20", "0")])
    mouse.move(50, 60)
    mouse.down()
    mouse.move(5000, 70)
    person.wait_sent("mouse", [("799", "70", "1")])
    mouse.up()
    mouse.move(50, 60)
    mouse.wheel(0, 120)
    person.wait_sent("mouse", [("50", "60", "16"), ("50", "60", "0")])
    mouse.wheel(-120, 0)
    person.wait_sent("mouse", [("50", "60", "32"), ("50", "60", "0")])


def test_the_window_sizes_the_instance_and_dense_screens_get_their_pixels(
    visit: Callable[..., Person],
) -> None:
    person = visit(device_scale_factor=2)
    line = person.open("desktop")
    assert (line.query["GUAC_WIDTH"], line.query["GUAC_DPI"]) == ("1600", "192")
    box = person.page.locator("#display").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (800, 600)
    person.page.set_viewport_size({"width": 640, "height": 480})
    person.wait_sent("size", [("1280", "960")])
    width = "document.querySelector('#display canvas').width"
    eventually(lambda: person.page.evaluate(width) == 1280, "the picture has the size that was asked for")
    person.page.mouse.click(100, 50)
    person.wait_sent("mouse", [("200", "100", "1"), ("200", "100", "0")])


def test_an_instance_that_keeps_its_size_is_fitted(person: Person, tier: WebTier) -> None:
    async def fixed(line: Line) -> None:
        line.width, line.height = 1600, 1200
        await tunnel_scripts.paints_desktop(line)

    tier.scripts["fixed"] = fixed
    person.open("fixed")
    box = person.page.locator("#display").bounding_box()
    assert box is not None
    assert (round(box["width"]), round(box["height"])) == (800, 600)
    person.page.mouse.click(100, 50)
    person.wait_sent("mouse", [("200", "100", "1"), ("200", "100", "0")])


# -- clipboard -------------------------------------------------------------------------------------------------------


def test_pasting_sends_the_clipboard_before_the_key(visit: Callable[..., Person]) -> None:
    person = visit()  # no permission to read: the paste event has to do
    line = person.open("desktop")
    person.page.evaluate("navigator.clipboard.writeText('from my device 😀')")
    person.page.keyboard.press("Control+v")
    person.wait_sent("key", [(LETTER_V, "1"), (LETTER_V, "0"), (CONTROL, "0")])
    assert clipboard_of(line) == ["from my device 😀"]
    opcodes = [opcode for opcode, args in line.received if opcode == "clipboard" or args[:1] == (LETTER_V,)]
    assert opcodes[:2] == ["clipboard", "key"]


def test_with_permission_the_clipboard_follows_the_focus(person: Person) -> None:
    line = person.open("desktop")
    person.page.evaluate("navigator.clipboard.writeText('copied elsewhere')")
    person.page.evaluate("window.dispatchEvent(new Event('focus'))")
    eventually(lambda: clipboard_of(line)[-1:] == ["copied elsewhere"], "the clipboard was sent")


def test_what_is_copied_on_the_instance_arrives_here(person: Person) -> None:
    line = person.open("desktop")
    text = "from the instance: żółw 😀 " * 700
    person.tier.call(line.stream(4, text.encode(), "clipboard", "text/plain"))
    eventually(lambda: person.page.evaluate("navigator.clipboard.readText()") == text, "the text arrived")
    person.open_menu()
    assert person.page.locator("#clipboard-text").input_value() == text


def test_the_text_box_works_where_the_browser_refuses(visit: Callable[..., Person]) -> None:
    person = visit()
    person.page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    line = person.open("desktop")
    person.open_menu()
    assert "not served securely" in person.page.locator("#clipboard-state").inner_text()
    person.page.locator("#clipboard-text").fill("typed here")
    eventually(lambda: clipboard_of(line) == ["typed here"], "the text was sent")
    person.page.locator("#clipboard-copy").click()
    person.see("#clipboard-copy >> text=Copied")


# -- failing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "text", "hop", "code", "words"),
    [
        (519, "desktop: Nothing listens on port 5905 of 10.1.2.3. (ref 7K2A)", "desktop", "F-519-7K2A",
         ["The desktop is not running", "Nothing listens on port 5905 of 10.1.2.3.", "Try again"]),
        (769, "sign-in: The key SHA256:abc was refused. (ref 0F0F)", "sign-in", "F-769-0F0F",
         ["Your instance did not let you in", "SHA256:abc"]),
        (520, "instance: 10.1.2.3 refuses on port 22. (ref AAAA)", "instance", "F-520-AAAA",
         ["Your instance is not answering"]),
        (519, "Aborted. See logs.", "instance", "F-519-7K2A", ["Your instance cannot be found"]),
        (515, "<img src=x onerror=alert(1)>", "session", "F-515-7K2A", ["The session broke off"]),
        (519, "desktop: <b>bold</b>\u202e (ref 7K2A)", "desktop", "F-519-7K2A", ["<b>bold</b>"]),
    ],
)  # fmt: skip
def test_failures_name_the_hop(
    person: Person, tier: WebTier, status: int, text: str, hop: str, code: str, words: list[str]
) -> None:
    tier.scripts["broken"] = tunnel_scripts.fails(status, text)
    person.page.goto(tier.link("broken"))
    person.wait_for("error")
    card = person.see("#failure")
    assert (card.get_attribute("data-hop"), card.get_attribute("data-code")) == (hop, code)
    for expected in words:
        assert expected in card.inner_text()


def test_the_way_shows_how_far_it_went(person: Person, tier: WebTier) -> None:
    tier.scripts["desktop"] = tunnel_scripts.fails(519, "desktop: Nothing listens. (ref 7K2A)")
    person.page.goto(tier.link("desktop"))
    person.see("#failure")
    stations = person.page.locator("#failure-way li")
    states = [stations.nth(i).get_attribute("data-state") for i in range(stations.count())]
    assert states == ["passed", "passed", "passed", "failed"]
    assert "desktop" in stations.nth(3).inner_text()


def test_details_for_support_are_one_click_away(person: Person, tier: WebTier) -> None:
    tier.scripts["broken"] = tunnel_scripts.fails(520, "instance: No answer. (ref AB12)")
    person.page.goto(tier.link("broken"))
    person.see("#failure-copy").click()
    eventually(
        lambda: str(person.page.evaluate("navigator.clipboard.readText()")).startswith("F-520-AB12 · "),
        "the details were copied",
    )


def test_trying_again_opens_another_tunnel(person: Person, tier: WebTier) -> None:
    tier.scripts["desktop"] = tunnel_scripts.fails(520, "instance: No answer. (ref AB12)")
    person.page.goto(tier.link("desktop"))
    person.see("#failure")
    tier.scripts["desktop"] = tunnel_scripts.paints_desktop
    person.page.locator("#failure-retry").click()
    person.wait_for("connected")
    person.miss("#failure")


def test_fanlight_being_updated_is_waited_for(person: Person, tier: WebTier) -> None:
    tier.scripts["desktop"] = tunnel_scripts.closes(520)
    person.page.goto(tier.link("desktop"))
    card = person.see("#failure")
    assert card.get_attribute("data-hop") == "fanlight"
    person.see("#failure-countdown")
    tier.scripts["desktop"] = tunnel_scripts.paints_desktop
    person.wait_for("connected")


def test_a_lost_network_keeps_the_picture_and_comes_back(person: Person, tier: WebTier) -> None:
    line = person.open("desktop")
    person.page.mouse.click(321, 123)
    eventually(lambda: person.pixel(321, 123) == RED, "the click was drawn")
    tier.delay = 0.5
    tier.soon(line.drop)
    person.wait_for("disconnected")
    assert "Connection lost" in person.see("#connection-warning").inner_text()
    assert person.page.locator("#display canvas").first.is_visible()
    dimmed = person.pixel(321, 123)
    assert dimmed[0] > dimmed[1] + 40
    person.page.locator("#reconnect-now").click()
    person.wait_for("connected")
    person.miss("#connection-warning")
    assert len(tier.lines) == 2
    person.page.keyboard.type("x")
    person.wait_sent("key", [("120", "1"), ("120", "0")])


def test_reconnecting_leaves_nothing_behind(person: Person) -> None:
    person.page.add_init_script(
        """window.blurListeners = 0;
        for (const [name, change] of [["addEventListener", 1], ["removeEventListener", -1]]) {
            const original = window[name];
            window[name] = function (type, ...rest) {
                window.blurListeners += type === "blur" ? change : 0;
                return original.call(this, type, ...rest);
            };
        }"""
    )
    person.open("desktop")
    before = person.page.evaluate("window.blurListeners")
    for _ in range(2):
        person.tier.soon(person.line.drop)
        person.wait_for("disconnected")
        person.page.locator("#reconnect-now").click()
        person.wait_for("connected")
    assert person.page.evaluate("window.blurListeners") == before


def test_a_picture_that_cannot_be_decoded_costs_only_itself(person: Person) -> None:
    line = person.open("desktop")
    person.tier.call(line.stream(1, b"not an image", "img", 14, 0, "image/png", 0, 0))
    person.tier.call(line.sync())
    person.page.mouse.click(321, 123)
    eventually(lambda: person.pixel(321, 123) == RED, "drawing goes on")


def test_an_ordinary_end_offers_to_open_again(person: Person) -> None:
    line = person.open("desktop")
    person.tier.call(line.send("disconnect"))
    person.wait_for("disconnected")
    card = person.see("#failure")
    assert "Session ended" in card.inner_text()
    person.page.locator("#failure-retry").click()
    person.wait_for("connected")


def test_an_expired_token_keeps_the_picture_and_names_the_link(person: Person, tier: WebTier) -> None:
    line = person.open("desktop")
    tier.refusal = (403, "This link is not valid.")
    tier.soon(line.drop)
    person.wait_for("error")
    assert person.see("#failure").get_attribute("data-hop") == "link"
    assert person.page.locator("#display canvas").first.is_visible()
    assert not person.page.locator("#failure-retry").is_visible()


def test_an_instance_that_asks_gets_an_answer(person: Person, tier: WebTier) -> None:
    tier.scripts["locked"] = tunnel_scripts.asks_password
    person.page.goto(tier.link("locked"))
    field = person.see("#credentials input[name=password]")
    assert field.get_attribute("type") == "password"
    field.fill("s3cret")
    field.press("Enter")
    person.wait_for("connected")
    blobs = [args[1] for opcode, args in person.line.received if opcode == "blob"]
    assert base64.b64decode(blobs[0]) == b"s3cret"


def test_closing_the_tab_asks_only_while_the_session_lives(person: Person) -> None:
    asked: list[str] = []
    person.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    line = person.open("desktop")
    person.page.mouse.click(5, 5)  # browsers ask only people who did something
    person.page.reload()
    assert asked == ["beforeunload"]
    person.wait_for("connected")
    line = person.line
    person.page.mouse.click(5, 5)
    person.tier.call(line.send("disconnect"))
    person.wait_for("disconnected")
    person.page.reload()
    assert asked == ["beforeunload"]


# -- instances of the gate -------------------------------------------------------------------------------------------


def starts(person: Person, identifier: str, hop: str, **attributes: str) -> None:
    text = f"{hop}: It is starting (since 40 s). (ref 7K2A)"
    person.tier.scripts[identifier] = tunnel_scripts.fails(513, text)
    person.tier.gate[identifier] = {f"instance-{name}": value for name, value in attributes.items()}
    person.page.goto(person.tier.link(identifier))


def test_an_instance_that_starts_is_no_error_and_opens_by_itself(person: Person) -> None:
    starts(person, "desktop", "instance", state="starting", since="40", words="no <b>disk</b>\x1b[31m")
    card = person.see("#connecting")
    person.see("#connecting >> text=since 4")
    assert "Your instance is still starting" in card.inner_text()
    assert "It opens by itself as soon as it is ready." in card.inner_text()
    assert "The instance says: no <b>disk</b>" in card.inner_text()
    assert person.page.locator("#connecting [aria-current]").get_attribute("data-step") == "reach"
    assert not person.page.locator("#failure").is_visible()
    person.tier.scripts["desktop"] = tunnel_scripts.paints_desktop
    person.tier.gate["desktop"] = {"instance-state": "ready"}
    person.wait_for("connected")
    person.miss("#connecting")


def test_an_instance_that_does_not_get_ready_is_told_with_its_own_words(person: Person) -> None:
    starts(person, "desktop", "instance", state="starting", since="599")
    person.see("#connecting")
    text = "instance: The instance has said for 10 min that it is not ready. It says: no <b>disk</b> (ref 7K2A)"
    person.tier.scripts["desktop"] = tunnel_scripts.fails(517, text)
    person.tier.gate["desktop"] = {"instance-state": "not-ready", "instance-since": "600"}
    card = person.see("#failure")
    assert "Your instance is not ready" in card.inner_text()
    assert "has said for 10 min that it is not ready. It says: no <b>disk</b>" in card.inner_text()
    person.miss("#connecting")
    person.tier.scripts["desktop"] = tunnel_scripts.paints_desktop
    person.page.locator("#failure-retry").click()
    person.wait_for("connected")


def test_a_desktop_that_starts_is_told_as_such(person: Person) -> None:
    starts(person, "desktop", "desktop", state="starting-desktop", since="200")
    card = person.see("#connecting")
    person.see("#connecting >> text=since 3 min")
    assert "Starting the desktop" in card.inner_text()
    assert person.page.locator("#connecting [aria-current]").get_attribute("data-step") == "open"
    person.page.locator("#connecting-cancel").click()
    person.see("#failure-retry")
    person.miss("#connecting")


def test_another_machine_is_told_with_both_fingerprints(person: Person) -> None:
    shown, expected = ("SHA256:" + letter * 43 for letter in "Jx")
    text = f"host-key: The instance shows the host key {shown}, but {expected} is expected. (ref 7K2A)"
    person.tier.scripts["desktop"] = tunnel_scripts.fails(512, text)
    person.page.goto(person.tier.link("desktop"))
    card = person.see("#failure")
    assert "This is not the machine it was" in card.inner_text()
    assert card.locator("dd").all_inner_texts() == [shown, expected]
    assert "Only support can accept the new one." in card.inner_text()
    assert not card.locator("#failure-retry").is_visible()


def test_the_home_page_says_how_far_instances_are(person: Person) -> None:
    person.tier.connections["old"] = "ssh"
    person.tier.gate = {"desktop": {"instance-state": "starting"}, "old": {"instance-state": "blocked"}}
    person.page.goto(f"{person.tier.url}#/?token={web_tier.TOKEN}")
    person.see("#connections")

    def state(name: str) -> Locator:
        return person.page.locator(f"#connections li:has(.name:text-is('{name}')) .fl-state")

    assert state("desktop").inner_text() == "Starting"
    assert state("old").inner_text() == "Key changed"
    assert not state("shell").is_visible()
    person.tier.gate["desktop"] = {"instance-state": "ready"}
    person.see("#connections [data-state='ready']")
    assert state("desktop").inner_text() == "Ready"


def test_the_home_page_speaks_a_language_that_comes_late(person: Person) -> None:
    person.tier.language = "de"
    person.tier.gate = {"desktop": {"instance-state": "starting-desktop"}}
    person.page.route(
        "**/translations/de.json", lambda route: (person.see("#connections a"), route.continue_())
    )
    person.page.goto(f"{person.tier.url}#/?token={web_tier.TOKEN}")
    person.see("#connections >> text=Desktop startet")
