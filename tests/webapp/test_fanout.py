"""One command on many, in the page: choose, run, watch, read, keep, stop."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.screen import eventually
from tests.fakes import web_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.webapp.person import Person

pytestmark = pytest.mark.e2e


def open_page(person: Person) -> None:
    person.tier.connections = {"web-1": "ssh", "web-2": "ssh", "db": "ssh", "desktop": "vnc"}
    person.page.goto(f"{person.tier.url}#/?token={web_tier.TOKEN}")
    person.see("#home-fanout").click()
    person.see("#fanout")


def download(person: Person, kind: str) -> str:
    with person.page.expect_download() as expected:
        person.page.locator(f"#fanout-{kind}").click()
    return expected.value.path().read_text("utf-8")


def test_a_command_runs_on_the_chosen_and_equal_outputs_are_read_once(person: Person) -> None:
    go_on = asyncio.Event()

    async def answer(order: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        for name in order["connections"]:
            yield {"connection": name, "state": "starting"}
            yield {"connection": name, "state": "running"}
            yield {"connection": name, "stdout": "\x1b[1mup 3 days\x1b[0m\n<b>"}
        await go_on.wait()
        for name in ("web-1", "web-2"):
            yield {
                "connection": name,
                "state": "exited",
                "exit": 0,
                "signal": "",
                "cut": False,
                "seconds": 0.5,
            }
        yield {"connection": "db", "stderr": "=oh no"}
        yield {"connection": "db", "state": "exited", "exit": 3, "signal": "", "cut": True, "seconds": 1}

    person.tier.commands = answer
    open_page(person)
    assert person.page.locator("#fanout-hosts input").count() == 3, "desktops run no command"
    start = person.page.locator("#fanout-run")
    assert start.is_disabled()
    person.page.locator("#fanout-all").check()
    person.page.locator("#fanout-command").fill("sudo uptime > /etc/x")
    person.see("#fanout-hint")
    person.page.locator("#fanout-command").fill("uptime")
    person.miss("#fanout-hint")
    assert start.inner_text() == "Run on 3"
    start.click()
    jobs = person.page.locator("#fanout-jobs li")
    eventually(lambda: [text.count("running") for text in jobs.all_inner_texts()] == [1, 1, 1], "all run")
    person.tier.soon(go_on.set)
    person.see("#fanout-report")
    assert person.tier.orders == [
        {"connections": ["web-1", "web-2", "db"], "command": "uptime", "limit": 16, "timeout": 60}
    ]
    assert "succeeded on 2 of 3" in person.page.locator("#fanout-state").inner_text()
    assert "exit code 3" in jobs.nth(2).inner_text()
    groups = person.page.locator(".fl-group")
    assert groups.locator("h3").all_inner_texts() == ["web-1, web-2", "db"]
    assert groups.nth(0).locator("pre").inner_text().strip() == "up 3 days\n<b>"

    report = json.loads(download(person, "json"))
    assert [host["exit"] for host in report["hosts"]] == [0, 0, 3]
    assert report["hosts"][0]["stdout"].startswith("\x1b[1m"), "what is kept is what came"
    rows = list(csv.DictReader(io.StringIO(download(person, "csv"))))
    assert (rows[2]["host"], rows[2]["stderr"], rows[2]["cut"]) == ("db", "'=oh no", "true")
    assert "==== On web-1, web-2 (2 hosts) ====" in download(person, "txt")


def test_stopping_stops_it_everywhere(person: Person) -> None:
    left = asyncio.Event()

    async def answer(order: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        yield {"connection": "web-1", "state": "running"}
        try:
            while True:
                await asyncio.sleep(0.05)
                yield {"connection": "web-1", "stdout": "."}
        finally:
            left.set()

    person.tier.commands = answer
    open_page(person)
    for name in ("web-1", "db"):
        person.page.get_by_label(name).check()
    person.page.locator("#fanout-command").fill("sleep 100")
    person.page.locator("#fanout-run").click()
    person.see(".fl-job-running")
    person.see("#fanout-stop").click()
    assert "stopped" in person.see(".fl-job-cancelled >> nth=0").inner_text()
    assert person.page.locator(".fl-job-cancelled").count() == 2
    eventually(left.is_set, "the tier was left")
