"""Operating system commands beyond those with answers: links, broken numbers, refused lengths."""

from __future__ import annotations

import pytest

from proxyd.terminal.cells import Link
from proxyd.terminal.functions.osc import OSC, URI_LIMIT
from tests.proxyd.terminal.screens import picture, shown


@pytest.mark.parametrize(
    ("command", "link"),
    [
        ("8;;http://x", Link("http://x", "")),
        ("8;id=a:x=y;http://x", Link("http://x", "a")),
        ("8;;http://x;y", Link("http://x;y", "")),
        ("8;;", None),
        ("8", None),
        ("8;;http://" + "x" * URI_LIMIT, None),
    ],
)
def test_links(command, link):
    assert (
        shown(5, 1, f"\x1b]8;;http://before\x07\x1b]{command}\x07x").screen.view_row(0).styles[0].link == link
    )


@pytest.mark.parametrize("number", [*OSC, "5", "999", "", "-1", "4x"])
@pytest.mark.parametrize(
    "text", ["", ";", ";;", ";?", ";x", ";-1;?", ";²;red", ";9999999999999;?", ";" + "x;" * 3000]
)
def test_no_command_is_too_strange(number, text):
    terminal = shown(10, 2, f"\x1b]{number}{text}\x07")
    terminal.feed(b"\x1b]482203;\x07ok")
    assert picture(terminal) == ["ok", ""]
