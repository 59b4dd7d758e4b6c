"""The drawer: each thing in it used as a person would."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.e2e.screen import eventually
from tests.fakes import tunnel_scripts, web_tier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakes.web_tier import WebTier
    from tests.webapp.person import Person

pytestmark = pytest.mark.e2e

CHORD = ["Control", "Alt", "Shift"]


def press_chord(person: Person) -> None:
    for key in CHORD:
        person.page.keyboard.down(key)
    for key in CHORD:
        person.page.keyboard.up(key)


# -- opening and closing ---------------------------------------------------------------------------------------------


def test_the_chord_opens_and_closes_and_keys_stay_where_they_belong(person: Person) -> None:
    line = person.open("desktop")
    press_chord(person)
    person.see("#guac-menu.open")
    held = {args[0] for args in person.sent("key") if args[1] == "1"} - {
        args[0] for args in person.sent("key") if args[1] == "0"
    }
    assert held == set(), "modifiers that went to the instance were let go"
    before = len(line.received)
    person.page.locator("#clipboard-text").click()
    person.page.keyboard.type("abc")
    assert [entry for entry in line.received[before:] if entry.opcode == "key"] == []
    press_chord(person)
    person.miss("#guac-menu")
    person.page.keyboard.type("z")
    person.wait_sent("key", [("122", "1"), ("122", "0")])


def test_escape_and_a_click_beside_close_it_and_the_focus_returns(person: Person) -> None:
    person.open("desktop")
    person.open_menu()
    person.page.keyboard.press("Escape")
    person.miss("#guac-menu")
    person.open_menu()
    person.page.mouse.click(100, 100)
    person.miss("#guac-menu")
    pressed = [buttons for _, _, buttons, *_ in person.sent("mouse") if buttons != "0"]
    assert pressed == [], "the click beside was not the instance's"
    person.page.keyboard.type("z")
    person.wait_sent("key", [("122", "1"), ("122", "0")])


def test_what_does_not_apply_is_absent(person: Person) -> None:
    person.open("desktop")
    menu = person.open_menu()
    for absent in ("#connection-settings", "#devices", "#mouse-settings"):
        assert not menu.locator(absent).is_visible()


def test_the_keyboard_alone_reaches_everything(person: Person) -> None:
    person.open("desktop")
    press_chord(person)
    person.see("#guac-menu.open")
    reached = []
    for _ in range(30):
        person.page.keyboard.press("Tab")
        reached.append(
            person.page.evaluate("document.activeElement.id || document.activeElement.textContent")
        )
    assert "log-out" in reached
    assert "menu-close" in reached
    person.page.locator("#log-out").focus()
    person.page.keyboard.press("Enter")
    assert "You are logged out" in person.see("#sign-in").inner_text()


def test_logging_out_gives_the_token_back(person: Person) -> None:
    line = person.open("desktop")
    person.open_menu()
    person.page.locator("#log-out").click()
    person.see("#sign-in")
    eventually(lambda: line.ended, "the tunnel was closed")
    eventually(
        lambda: ("DELETE", "/guacamole/api/session") in person.tier.requests,
        "the token was given back",
    )
    person.page.reload()
    assert "from the portal" in person.see("#sign-in").inner_text()


# -- panels ----------------------------------------------------------------------------------------------------------


def test_kept_keys_are_sent_by_a_click(person: Person) -> None:
    person.open("desktop")
    person.open_menu("keyboard-settings")
    person.page.locator("#send-keys >> text=Ctrl+Alt+Del").click()
    pressed = [("65507", "1"), ("65513", "1"), ("65535", "1")]
    person.wait_sent("key", pressed + [(keysym, "0") for keysym, _ in reversed(pressed)])
    person.miss("#guac-menu")


def test_a_keyboard_is_drawn_for_those_without(person: Person) -> None:
    person.open("shell")
    person.open_menu("keyboard-settings").locator("#ime-osk").check()
    person.miss("#guac-menu")
    board = person.see("#on-screen-keyboard")
    eventually(lambda: person.sent("size"), "the shell took the room that is left")
    board.get_by_role("button", name="Shift").click()
    board.get_by_role("button", name="Q", exact=True).click()
    person.wait_sent("key", [("81", "1"), ("81", "0")])
    board.get_by_role("button", name="q", exact=True).click()
    person.wait_sent("key", [("113", "1"), ("113", "0")])
    board.get_by_role("button", name="Ctrl").click()
    board.get_by_role("button", name="c", exact=True).click()
    person.wait_sent("key", [("65507", "1"), ("99", "1"), ("99", "0"), ("65507", "0")])
    person.page.keyboard.type("x")
    person.wait_sent("key", [("120", "1"), ("120", "0")])
    person.open_menu().locator("#osk-layout").select_option("de-de-qwertz")
    person.page.keyboard.press("Escape")
    board.get_by_role("button", name="AltGr").click()
    board.get_by_role("button", name="€").click()
    person.wait_sent("key", [(str(0x010020AC), "1"), (str(0x010020AC), "0")])
    board.get_by_role("button", name="Hide the keyboard").click()
    person.miss("#on-screen-keyboard")


def test_zoom_asks_the_instance_for_the_size_that_fits(person: Person) -> None:
    person.open("desktop")
    person.open_menu("display-settings")
    person.page.locator("#zoom-in").click()
    person.wait_sent("size", [("727", "545")])
    assert person.page.locator("#zoom-state").inner_text() == "110%"
    person.page.locator("#auto-fit").check()
    person.wait_sent("size", [("800", "600")])


def test_an_instance_that_does_not_follow_scrolls_at_its_own_size(person: Person) -> None:
    person.open("desktop")
    person.open_menu("display-settings")
    person.page.locator("#follow-window").uncheck()
    for _ in range(4):
        person.page.locator("#zoom-in").click()
    person.page.keyboard.press("Escape")
    box = person.page.locator("#display").bounding_box()
    assert box is not None
    assert round(box["width"]) == 1400
    assert person.sent("size") == []
    person.page.locator("#picture").evaluate("frame => frame.scrollTo(175, 175)")
    person.page.mouse.click(350, 350)
    person.wait_sent("mouse", [("300", "300", "1"), ("300", "300", "0")])


def test_picture_quality(person: Person) -> None:
    line = person.open("desktop")
    menu = person.open_menu("display-settings")
    quality = menu.locator("#quality-level")
    assert quality.input_value() == ""
    quality.select_option("sharp")
    eventually(
        lambda: [args[2] for opcode, args in line.received if opcode == "argv"] == ["quality-level"],
        "it was sent",
    )


def test_a_shell_has_no_picture_quality(person: Person) -> None:
    person.open("shell")
    menu = person.open_menu("display-settings")
    assert not menu.locator("#quality-level").is_visible()


def test_terminal_colours_and_text_size(person: Person) -> None:
    line = person.open("shell")
    menu = person.open_menu("connection-settings")
    assert menu.locator("#color-scheme input[value=gray-black]").is_checked()
    menu.locator("#color-scheme input[value=green-black]").check()
    menu.locator("#font-larger").click()
    eventually(
        lambda: (
            [args[2] for opcode, args in line.received if opcode == "argv"] == ["color-scheme", "font-size"]
        ),
        "both were sent",
    )
    assert menu.locator("#font-size-value").inner_text() == "13"


def commands(person: Person) -> list[str]:
    """What the page asked the terminal for."""
    pipes = {args[0] for args in person.sent("pipe") if args[2] == "fanlight-command"}
    return [base64.b64decode(args[1]).decode() for args in person.sent("blob") if args[0] in pipes]


def test_the_terminal_is_searched_from_the_menu(person: Person) -> None:
    person.open("shell")
    menu = person.open_menu("connection-settings")
    field, state = menu.locator("#search-text"), menu.locator("#search-state")
    field.press_sequentially("err")
    eventually(lambda: state.inner_text().startswith("1 of 12+"), "what was found so far")
    field.press("Enter")
    eventually(lambda: state.inner_text().startswith("2 of 12,"), "the next match")
    menu.locator("#search-newer").click()
    field.fill("nothing")
    eventually(lambda: state.inner_text() == "Not found", "nothing was found")
    field.fill("")
    eventually(lambda: commands(person)[-1] == "search ", "the search is over")
    assert commands(person)[:3] == ["search err", "older", "newer"]
    assert state.inner_text() == ""


def test_the_terminal_is_copied_saved_and_cleared_from_the_menu(person: Person) -> None:
    person.open("shell")
    menu = person.open_menu("connection-settings")
    for action in ("copy", "save", "clear"):
        menu.locator(f"#terminal-{action}").click()
    eventually(lambda: commands(person) == ["copy", "save", "clear"], "all was asked for")
    eventually(
        lambda: person.page.evaluate("navigator.clipboard.readText()") == "copied", "the text was copied"
    )


def test_the_screen_is_read_as_text(person: Person) -> None:
    person.open("shell")
    person.open_menu("connection-settings").locator("#text-wanted").check()
    eventually(
        lambda: person.page.locator("#screen-text").input_value() == "notes.md\n$ date\nToday", "the text"
    )
    news = person.page.locator("#screen-news")
    assert news.get_attribute("aria-live") == "polite"
    assert news.locator("p").all_inner_texts()[-2:] == ["$ date", "Today"]
    person.page.keyboard.press("Escape")
    eventually(lambda: person.sent("size"), "the terminal took the room that is left")
    person.page.on("dialog", lambda dialog: dialog.accept())
    person.page.reload()
    person.wait_for("connected")
    person.see("#text-view")
    person.open_menu("connection-settings").locator("#text-wanted").uncheck()
    person.miss("#text-view")
    eventually(lambda: commands(person)[-1] == "text off", "no more text is wanted")


def test_in_full_screen_browser_keys_go_to_the_instance_too(person: Person) -> None:
    person.page.add_init_script(
        """window.locks = [];
        navigator.keyboard.lock = async () => { locks.push(document.fullscreenElement !== null) };
        navigator.keyboard.unlock = () => locks.push("unlocked");"""
    )
    person.open("desktop")
    menu = person.open_menu("display-settings")
    menu.locator("#full-screen").click()
    eventually(lambda: person.page.evaluate("window.locks") == [True], "locked, once it was full screen")
    menu.locator("#full-screen").click()
    eventually(lambda: person.page.evaluate("window.locks") == [True, "unlocked"], "and let go of")
    assert person.page.evaluate("document.fullscreenElement") is None


def test_the_connection_is_measured(person: Person) -> None:
    person.open("desktop")
    menu = person.open_menu("connection-info")
    eventually(lambda: " ms" in menu.locator("#quality").inner_text(), "the round trip was measured")
    facts = menu.locator("#connection-facts").inner_text()
    assert "800 × 600" in facts
    assert "WebSocket" in facts


def test_languages_are_complete_and_remembered(person: Person) -> None:
    person.open("desktop")
    menu = person.open_menu("about")
    menu.locator("#language").select_option("de")
    eventually(lambda: "Zwischenablage" in menu.inner_text(), "the menu speaks German")
    assert menu.locator("#log-out").inner_text() == "Abmelden"
    assert person.page.evaluate("document.documentElement.lang") == "de"
    person.page.keyboard.press("Escape")
    person.page.on("dialog", lambda dialog: dialog.accept())
    person.page.reload()
    person.wait_for("connected")
    assert "Zwischenablage" in person.open_menu().inner_text()


def test_appearance_is_chosen_and_remembered(visit: Callable[..., Person]) -> None:
    person = visit(color_scheme="light")
    surface = "getComputedStyle(document.body).backgroundColor"
    person.page.goto(person.tier.url)
    person.see("#sign-in")
    light = person.page.evaluate(surface)
    person.open("desktop")
    person.open_menu("about").locator("#appearance").select_option("dark")
    person.page.locator("#log-out").click()
    person.see("#sign-in")
    assert person.page.evaluate(surface) != light
    person.page.reload()
    person.see("#sign-in")
    assert person.page.evaluate("document.documentElement.dataset.appearance") == "dark"


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tier: WebTier) -> tunnel_scripts.HasFiles:
    content = bytes(range(256)) * 700
    tree: dict[str, bytes | None] = {
        "/data": None,
        "/data/run 1.bin": content,
        "/data/<b>😀.txt": b"x",
        "/empty": None,
    }
    tier.scripts["files"] = script = tunnel_scripts.HasFiles(tree)
    return script


def test_folders_are_looked_through_and_files_fetched(
    person: Person, files: tunnel_scripts.HasFiles, tmp_path: Path
) -> None:
    person.open("files")
    person.open_menu("devices")
    person.see("#files >> text=empty").click()
    person.see("#files-state >> text=This folder is empty.")
    person.page.locator("#files-path >> text=Files").click()
    person.see("#files >> text=data").click()
    person.see("#files >> text=<b>😀.txt")
    person.see("#files >> text=179 kB")
    with person.page.expect_download() as fetched:
        person.page.locator("#files >> text=run 1.bin").click()
    fetched.value.save_as(tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == files.tree["/data/run 1.bin"]
    assert fetched.value.suggested_filename == "run 1.bin"
    with person.page.expect_download() as fetched:
        person.page.locator("#files >> text=<b>😀.txt").click()
    assert fetched.value.suggested_filename.endswith("😀.txt")


def test_files_are_uploaded_into_the_folder_shown(person: Person, files: tunnel_scripts.HasFiles) -> None:
    person.open("files")
    person.open_menu("devices")
    person.see("#files >> text=data").click()
    person.see("#files >> text=run 1.bin")
    large, empty = bytes(reversed(range(256))) * 3000, b""
    person.page.locator("#files-input").set_input_files(
        [
            {"name": "large 😀.bin", "mimeType": "application/octet-stream", "buffer": large},
            {"name": "empty", "mimeType": "", "buffer": empty},
        ]
    )
    person.see("#transfers >> text=Saved to /data")
    eventually(lambda: files.tree.get("/data/large 😀.bin") == large, "every byte arrived")
    eventually(lambda: files.tree.get("/data/empty") == empty, "the empty file arrived")
    person.see("#files >> text=large 😀.bin")


def test_files_dropped_on_the_session_are_uploaded(person: Person, files: tunnel_scripts.HasFiles) -> None:
    person.open("files")
    person.page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["dropped"], "note.txt", { type: "text/plain" }));
            const target = document.getElementById("picture");
            for (const type of ["dragenter", "dragover", "drop"]) {
                target.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
            }
        }"""
    )
    person.see("#transfers >> text=Uploaded")
    assert files.tree["/home/alice/note.txt"] == b"dropped"


def test_a_full_disk_is_told_at_the_end(person: Person, files: tunnel_scripts.HasFiles) -> None:
    files.room = 100
    person.open("files")
    person.open_menu("devices")
    person.page.locator("#files-input").set_input_files(
        [{"name": "big", "mimeType": "", "buffer": b"x" * 20_000}]
    )
    person.see("#transfers .error >> text=The instance broke off the transfer.")


def test_a_download_can_be_stopped(person: Person, files: tunnel_scripts.HasFiles) -> None:
    files.tree["/huge"] = b"x" * 50_000_000
    line = person.open("files")
    person.open_menu("devices")
    person.see("#files >> text=huge").click()
    person.page.keyboard.press("Escape")
    person.see("#transfers button").click()
    person.see("#transfers >> text=Stopped")
    eventually(
        lambda: any(opcode == "ack" and args[2] != "0" for opcode, args in line.received),
        "the instance was told",
    )


def test_an_upload_can_be_stopped_and_leaves_nothing(person: Person, files: tunnel_scripts.HasFiles) -> None:
    files.takes_nothing = True
    person.open("files")
    person.open_menu("devices")
    person.page.locator("#files-input").set_input_files(
        [{"name": "big", "mimeType": "", "buffer": b"x" * 2_000_000}]
    )
    eventually(lambda: "/big" in files.tree, "the upload began")
    person.page.keyboard.press("Escape")
    person.see("#transfers button").click()
    person.see("#transfers >> text=Stopped")
    eventually(lambda: "/big" not in files.tree, "the instance removed it")


def test_folders_are_uploaded_with_all_that_is_in_them(
    person: Person, files: tunnel_scripts.HasFiles, tmp_path: Path
) -> None:
    for name in ("run 2/notes.txt", "run 2/raw/<i>a\u202e.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    person.open("files")
    person.open_menu("devices")
    person.see("#files >> text=data").click()
    person.see("#files >> text=run 1.bin")
    person.page.locator("#folder-input").set_input_files(tmp_path / "run 2")
    for name in ("run 2/notes.txt", "run 2/raw/<i>a\u202e.csv"):
        eventually(lambda name=name: files.tree.get(f"/data/{name}") == name.encode(), f"{name} arrived")
    person.see("#transfers >> text=run 2/raw/<i>a.csv")


def test_a_lost_network_ends_transfers(person: Person, files: tunnel_scripts.HasFiles) -> None:
    files.tree["/huge"] = b"x" * 50_000_000
    line = person.open("files")
    person.open_menu("devices")
    person.see("#files >> text=huge").click()
    person.page.keyboard.press("Escape")
    person.tier.soon(line.drop)
    person.see("#transfers .error")


# -- sharing ---------------------------------------------------------------------------------------------------------


def test_a_link_is_made_copied_and_ended(person: Person, tier: WebTier) -> None:
    person.open("desktop")
    menu = person.open_menu("share-links")
    menu.locator("#share-control").check()
    menu.locator("#share-minutes").select_option("60")
    menu.get_by_role("button", name="Make a link").click()
    row = person.see("#shares li")
    assert "can control until" in row.inner_text()
    assert any(path.endswith("/sharingCredentials/control?minutes=60") for _, path in tier.requests)
    row.get_by_role("button", name="Copy").click()
    person.see("#share-state >> text=Copied")
    link = person.page.evaluate("navigator.clipboard.readText()")
    assert link == f"{tier.url}#/?key={web_tier.SHARE_KEY}"
    assert "fl-shared" in (person.page.locator("#session").get_attribute("class") or "")
    menu.get_by_role("button", name="Stop sharing").click()
    person.see("#share-state >> text=No longer shared")
    assert tier.requests[-1][0] == "DELETE"
    assert person.page.locator("#shares li").count() == 0
    assert "fl-shared" not in (person.page.locator("#session").get_attribute("class") or "")


def test_links_are_there_after_a_reload_and_can_be_ended(person: Person, tier: WebTier) -> None:
    person.open("desktop")
    for _ in range(2):
        tier.links.append(
            {"identifier": f"before-{len(tier.links)}", "profile": "watch", "expires": 4e12, "uses": 5}
        )
    person.page.on("dialog", lambda dialog: dialog.accept())
    person.page.reload()
    person.wait_for("connected")
    menu = person.open_menu("share-links")
    rows = person.page.locator("#shares li")
    person.see("#shares li:nth-child(2)")
    assert "can watch until" in rows.first.inner_text()
    assert rows.first.locator("input").count() == 0  # nobody knows its address any more
    menu.get_by_role("button", name="Make a link").click()
    person.see("#shares li:nth-child(3) input")
    rows.first.get_by_role("button", name="End").click()
    eventually(lambda: rows.count() == 2, "it is gone from the list")
    assert [link["identifier"] for link in tier.links] == ["before-1", "link-2"]
    person.tier.soon(person.line.drop)
    eventually(lambda: len(tier.lines) == 3, "the page came back")
    person.wait_for("connected")
    assert (
        person.page.locator("#shares li:nth-child(2) input").input_value()
        == f"{tier.url}#/?key={web_tier.SHARE_KEY}"
    )


def test_who_comes_and_goes_is_told(person: Person) -> None:
    line = person.open("desktop")
    hostile = "<b>Mallory</b>\u202e" + "y" * 10_000
    for identifier, name in (("@1", ""), ("@2", hostile[:3000])):
        person.tier.call(line.send("msg", 1, identifier, name))
    assert person.see("#notice").inner_text().startswith("<b>Mallory</b>yyy")
    person.open_menu("share-links")
    person.see("#guests >> text=Guest 1")
    assert len(person.page.locator("#guests li").nth(1).inner_text()) <= 60
    person.tier.call(line.send("msg", 2, "@1", ""))
    person.see("#notice >> text=Guest 1 has left")
    assert person.page.locator("#guests li").count() == 1


def test_what_may_not_be_shared_is_not_offered(person: Person, tier: WebTier) -> None:
    tier.profiles = ("watch",)
    person.open("desktop")
    menu = person.open_menu("share-links")
    assert menu.locator("#share-watch").is_visible()
    assert not menu.locator("#share-control").is_visible()
    tier.profiles = ()
    person.page.on("dialog", lambda dialog: dialog.accept())
    person.page.reload()
    person.wait_for("connected")
    assert not person.open_menu().locator("#share-links").is_visible()


def test_a_shared_link_opens_the_session_itself(person: Person, tier: WebTier) -> None:
    tier.connections = {"desktop": "vnc"}
    person.page.goto(f"{tier.url}#/?key={web_tier.SHARE_KEY}")
    person.wait_for("connected")
    assert web_tier.SHARE_KEY not in person.page.url
