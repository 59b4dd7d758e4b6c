"""The page and what it loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from broker.access import Route
from broker.errors import not_found
from broker.pages import page
from broker.parts import PARTS

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ROUTES", "redirects"]

IMMUTABLE = "public, max-age=31536000, immutable"
"""For files whose names hold a hash of their content."""
NOT_BUILT = "The page's bundle is missing. In a checkout, `make setup` builds it.\n"


async def client(request: web.Request) -> web.Response:
    """The page itself; it is the same for everybody."""
    if not request.app[PARTS].webapp.assets.scripts:
        return web.Response(status=503, text=NOT_BUILT)
    return web.Response(
        text=page(request, "page.html"),
        content_type="text/html",
        headers={hdrs.CACHE_CONTROL: "no-cache", hdrs.VARY: hdrs.ACCEPT_LANGUAGE},
    )


async def asset(request: web.Request) -> web.StreamResponse:
    """A file of the bundle."""
    path = _file(request.app[PARTS].webapp.dist, request.match_info["path"])
    if path is None:
        raise not_found("page")
    hashed = request.match_info["path"].startswith("assets/")
    return web.FileResponse(path, headers={hdrs.CACHE_CONTROL: IMMUTABLE if hashed else "no-cache"})


def _file(folder: Path, name: str) -> Path | None:
    """A regular file below a folder; nothing hidden, nothing outside."""
    if "\0" in name or any(part.startswith(".") for part in name.split("/")):
        return None
    path = (folder / name.lstrip("/")).resolve()
    return path if path.is_relative_to(folder.resolve()) and path.is_file() else None


def redirects(base_path: str) -> tuple[Route, ...]:
    """`/`, and the base path without its slash, lead to the page."""

    async def to_page(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={hdrs.LOCATION: base_path})

    shorter = {"/", base_path.rstrip("/")} - {base_path, ""}
    return tuple(Route(hdrs.METH_GET, path, to_page) for path in sorted(shorter))


async def languages(request: web.Request) -> web.Response:
    """`api/languages`: display names by key."""
    return web.json_response(request.app[PARTS].webapp.languages)


async def patches(_: web.Request) -> web.Response:
    """`api/patches`: ours are applied before the page is sent."""
    return web.json_response([])


ROUTES = (
    Route(hdrs.METH_GET, "", client),
    Route(hdrs.METH_GET, "api/languages", languages),
    Route(hdrs.METH_GET, "api/patches", patches),
    Route(hdrs.METH_GET, "{path:(?!api/).+}", asset),
)
