"""Every screen of the page, and how a person gets there: for axe-core and for the gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.screen import eventually
from tests.fakes import operator_answers, recordings, tunnel_scripts, web_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.webapp.person import Person

__all__ = ["DEVICES", "SCREENS"]

DEVICES: dict[str, dict[str, object]] = {
    "laptop": {"viewport": {"width": 1440, "height": 900}},
    "tablet": {"viewport": {"width": 1024, "height": 768}, "has_touch": True},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}


def sign_in(person: Person) -> None:
    person.page.goto(person.tier.url)
    person.see("#sign-in")


def old_link(person: Person) -> None:
    person.page.goto(person.tier.link("desktop", token="B" * 64))
    person.see("#sign-in-error")


def error_page(person: Person) -> None:
    person.page.goto(person.tier.url + "error-page")


def home(person: Person) -> None:
    person.page.goto(f"{person.tier.url}#/?token={web_tier.TOKEN}")
    person.see("#connections a")


def connecting(person: Person) -> None:
    person.tier.scripts["alice on dev-7"] = tunnel_scripts.never_answers
    person.page.goto(person.tier.link("alice on dev-7"))
    person.see("#connecting-hint:not(:empty)")


def _starting(identifier: str, hop: str, attributes: dict[str, str]) -> Callable[[Person], None]:
    def wait_for_it(person: Person) -> None:
        text = f"{hop}: It is still starting (since 40 s). (ref 7K2A)"
        person.tier.connections[identifier] = "vnc"
        person.tier.scripts[identifier] = tunnel_scripts.fails(513, text)
        person.tier.gate[identifier] = {"instance-since": "40", **attributes}
        person.page.goto(person.tier.link(identifier))
        person.see("#connecting >> text=since 4")

    return wait_for_it


instance_starting = _starting(
    "alice on dev-7",
    "instance",
    {"instance-state": "starting", "instance-words": "cloud-init: waiting for the home volume"},
)
desktop_starting = _starting("alice on dev-7", "desktop", {"instance-state": "starting-desktop"})


def blocked(person: Person) -> None:
    shown, expected = ("SHA256:" + letter * 43 for letter in "Jx")
    text = f"host-key: The instance shows the host key {shown}, but {expected} is expected. (ref 7K2A)"
    person.tier.scripts["changed"] = tunnel_scripts.fails(512, text)
    person.page.goto(person.tier.link("changed"))
    person.see("#failure-facts")


def home_states(person: Person) -> None:
    person.tier.connections |= {"render farm": "vnc", "old server": "ssh"}
    person.tier.gate = {
        "desktop": {"instance-state": "ready"},
        "shell": {"instance-state": "starting", "instance-since": "12"},
        "render farm": {"instance-state": "starting-desktop", "instance-since": "12"},
        "old server": {"instance-state": "blocked"},
    }
    home(person)


def desktop(person: Person) -> None:
    person.open("desktop")


def shell(person: Person) -> None:
    person.open("shell")


def text_view(person: Person) -> None:
    person.open("shell")
    person.open_menu("connection-settings").locator("#text-wanted").check()
    person.page.keyboard.press("Escape")
    person.see("#text-view")


def failure(person: Person) -> None:
    text = "desktop: Nothing listens on port 5905 of 10.1.2.3. (ref 7K2A)"
    person.tier.scripts["broken"] = tunnel_scripts.fails(519, text)
    person.page.goto(person.tier.link("broken"))
    person.see("#failure")


def credentials(person: Person) -> None:
    person.tier.scripts["locked"] = tunnel_scripts.asks_password
    person.page.goto(person.tier.link("locked"))
    person.see("#credentials")


def gateway_login(person: Person) -> None:
    person.tier.scripts["behind a gateway"] = tunnel_scripts.asks_code
    person.page.goto(person.tier.link("behind a gateway"))
    person.see("#credentials >> text=One-time code")


def lost_network(person: Person) -> None:
    line = person.open("desktop")
    person.tier.delay = 30
    person.tier.soon(line.drop)
    person.see("#connection-warning")


def ended(person: Person) -> None:
    line = person.open("desktop")
    person.tier.call(line.send("disconnect"))
    person.see("#failure")


def transfers(person: Person) -> None:
    _files(person, stalls_after=1_000_000)
    person.page.locator("#files-input").set_input_files(
        [{"name": "sample.csv", "mimeType": "", "buffer": b"x" * 2000}]
    )
    person.see("#transfers >> text=Saved to /")
    person.page.locator("#files >> text=reads.fastq.gz").click()
    person.page.keyboard.press("Escape")
    person.see("#transfers .in-progress >> text=%")


def _files(person: Person, stalls_after: int = 0) -> None:
    script = tunnel_scripts.HasFiles(
        {
            "/data": None,
            "/notes for later.txt": b"hello",
            "/reads.fastq.gz": b"x" * 3_000_000,
            "/r.csv": b"1,2" * 40_000,
        }
    )
    script.stalls_after = stalls_after
    person.tier.scripts["files"] = script
    person.open("files")
    person.open_menu("devices")
    person.see("#files >> text=r.csv")


def _menu(identifier: str, section: str, then: str = "") -> Callable[[Person], None]:
    def open_it(person: Person) -> None:
        person.open(identifier)
        person.open_menu(section)
        person.see(then or f"#{section} .content")

    return open_it


def key_bar(person: Person) -> None:
    person.open("shell")
    person.open_menu("keyboard-settings").locator("#ime-text").check()
    person.see("#key-bar")


def drawn_keyboard(person: Person) -> None:
    person.open("shell")
    person.open_menu("keyboard-settings").locator("#ime-osk").check()
    person.see("#on-screen-keyboard")


def sharing(person: Person) -> None:
    line = person.open("desktop")
    person.open_menu("share-links").get_by_role("button", name="Make a link").click()
    person.see("#shares li")
    person.tier.call(line.send("msg", 1, "@1", ""))
    person.see("#guests li")


def several(person: Person) -> None:
    person.page.add_init_script("localStorage.setItem('fanlight.side-by-side', '1')")
    person.page.goto(f"{person.tier.url}#/client/desktop.shell?token={web_tier.TOKEN}")
    for number in (0, 1):
        tile = person.page.frame_locator(".client-tile iframe").nth(number)
        tile.locator("#session[data-state='connected']").wait_for(state="attached")
    person.see("[role=tab][aria-selected=true] >> text=alice@dev")


def type_to_all(person: Person) -> None:
    person.tier.connections["build"] = "ssh"
    person.tier.scripts["build"] = tunnel_scripts.paints_shell
    person.page.add_init_script("localStorage.setItem('fanlight.side-by-side', '1')")
    person.page.goto(f"{person.tier.url}#/client/shell.build?token={web_tier.TOKEN}")
    for number in (0, 1):
        tile = person.page.frame_locator(".client-tile iframe").nth(number)
        tile.locator("#session[data-state='connected']").wait_for(state="attached")
    if person.page.locator("#tabs-type-all").is_visible():  # a phone shows one at a time
        person.page.locator("#tabs-type-all").click()
        person.see("#type-all-warning")


def one_command(person: Person) -> None:
    person.tier.connections = dict.fromkeys(("web-1", "web-2", "db"), "ssh")
    person.tier.commands = _reports
    person.page.goto(f"{person.tier.url}#/?token={web_tier.TOKEN}")
    person.see("#home-fanout").click()
    person.see("#fanout")
    person.page.locator("#fanout-all").check()
    person.page.locator("#fanout-command").fill("uptime")
    person.page.locator("#fanout-run").click()
    person.see("#fanout-report")


async def _reports(order: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    for name in order["connections"]:
        up = name != "db"
        said = {"stdout": "up 12 days, 3:04\n"} if up else {"stderr": "uptime: no such command\n"}
        ended = {"exit": 0 if up else 127, "signal": "", "cut": False, "seconds": 0.4}
        yield {"connection": name, "state": "running"}
        yield {"connection": name, **said}
        yield {"connection": name, "state": "exited", **ended}


def operator(person: Person) -> None:
    person.tier.operator = operator_answers.answers()
    person.page.goto(f"{person.tier.url}operator")
    person.see("#state >> text=As of")


def operator_below(person: Person) -> None:
    operator(person)
    person.page.locator("#instances-title").evaluate("title => title.scrollIntoView()")


def home_recent(person: Person) -> None:
    several(person)
    kept = "localStorage.getItem('fanlight.recent') ?? ''"
    eventually(lambda: person.page.evaluate(kept).count("data:image") == 2, "both were photographed")
    person.page.locator("#tabs-home").click()
    person.see("#home img")


def recording(person: Person) -> None:
    person.tier.recordings = {
        "shell": recordings.cast(),
        "desktop": recordings.desktop(["#e5484d", "#30a46c"]),
    }
    person.page.goto(f"{person.tier.url}#/recordings?token={web_tier.TOKEN}")
    person.see("#recordings-list >> text=shell").click()
    person.see("#player-on").click()
    person.see("#player-stage >> text=echo done")


SCREENS: dict[str, Callable[[Person], None]] = {
    "sign in": sign_in,
    "old link": old_link,
    "error page": error_page,
    "home": home,
    "connecting": connecting,
    "instance starting": instance_starting,
    "desktop starting": desktop_starting,
    "desktop": desktop,
    "shell": shell,
    "shell as text": text_view,
    "failure": failure,
    "another machine": blocked,
    "credentials": credentials,
    "gateway login": gateway_login,
    "lost network": lost_network,
    "ended": ended,
    "menu: clipboard": _menu("desktop", "clipboard-settings"),
    "menu: files": _files,
    "menu: keyboard": _menu("desktop", "keyboard-settings"),
    "menu: display": _menu("desktop", "display-settings"),
    "menu: terminal": _menu("shell", "connection-settings"),
    "menu: connection": _menu("desktop", "connection-info", "#quality >> text=ms"),
    "menu: share": sharing,
    "menu: about": _menu("desktop", "about"),
    "several": several,
    "type to all": type_to_all,
    "one command": one_command,
    "operator": operator,
    "operator: below": operator_below,
    "recording": recording,
    "home: recent": home_recent,
    "home: states": home_states,
    "transfers": transfers,
    "key bar": key_bar,
    "drawn keyboard": drawn_keyboard,
}
