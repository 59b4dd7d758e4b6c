"""A real Django app that mints its links with our helper."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

from yarl import URL

from broker import links
from tests.fakes.portal import SECRET, DjangoPortal

RING = f'["portal-2026a"]\nsecret = "{SECRET}"\nschemes = ["jwt"]\n'


async def test_a_person_clicks_web_shell(serve: Any, tmp_path: Path) -> None:
    ring = tmp_path / "ring.toml"
    ring.write_text(RING)
    async with serve(secret_key="", key_ring=ring, public_origin="https://desk.example") as broker:
        portal = DjangoPortal("https://desk.example/guacamole/", broker.clock)
        assert portal.visit("/instances/web-1/shell").status_code == 403
        answer = portal.visit("/instances/web-1/shell", "alice")
        assert answer.status_code == 302
        link = URL(answer["Location"], encoded=True)
        opened = await broker.client.get(link.relative(), allow_redirects=False)
        assert opened.status == 303
        assert re.match(r"/guacamole/#/client/", opened.headers["Location"])
        assert (await broker.client.get(link.relative(), allow_redirects=False)).status == 403


def test_the_helper_needs_the_standard_library_alone() -> None:
    """It can be copied into a portal as it is."""
    tree = ast.parse(Path(links.__file__).read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names


def test_what_the_how_to_page_shows_is_what_is_tested() -> None:
    page = Path("docs/how-to/django.md").read_text()
    view = re.search(r"def web_shell\(.*?\n```", page, re.DOTALL)
    assert view
    assert 'signer.link("ssh", ' in view[0]
