"""The page and what it loads."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from aiohttp import ETag, hdrs, web

from broker.access import Route
from broker.errors import not_found
from broker.extensions.bundle import Asset
from broker.pages import page
from broker.parts import PARTS

if TYPE_CHECKING:
    from pathlib import Path

    from broker.parts import Parts

__all__ = ["ROUTES", "redirects"]

IMMUTABLE = "public, max-age=31536000, immutable"
"""For files whose names hold a hash of their content."""
HASHED = re.compile(r"app\.[0-9a-f]{16}\.(?:css|js)")
"""Files of extensions whose names do."""
CATALOGUE = re.compile(r"translations/([A-Za-z_0-9]{2,20})\.json")
EMBED = "embed.js"
FOR_OTHER_SITES = {hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""For what pages of portals load; the frame that it makes is held by `frame-ancestors`."""
NOT_BUILT = "The page's bundle is missing. In a checkout, `make setup` builds it.\n"


async def client(request: web.Request) -> web.Response:
    """The page itself; it is the same for everybody."""
    if not request.app[PARTS].webapp.assets.scripts:
        return web.Response(status=503, text=NOT_BUILT)
    response = web.Response(
        text=page(request, "page.html"),
        content_type="text/html",
        headers={
            hdrs.CACHE_CONTROL: "no-cache",
            hdrs.VARY: f"{hdrs.ACCEPT_LANGUAGE}, {hdrs.ACCEPT_ENCODING}",
        },
    )
    response.enable_compression()
    return response


async def asset(request: web.Request) -> web.StreamResponse:
    """A file of an extension, or of our own bundle: packed, where a packed one lies beside it."""
    parts = request.app[PARTS]
    name = request.match_info["path"]
    served = parts.extensions.file(name) or _catalogue(parts, name)
    if served is not None:
        return _answer(request, served, hashed=HASHED.fullmatch(name) is not None)
    path = _file(parts.webapp.dist, name)
    if path is None:
        raise not_found("page")
    hashed = name.startswith("assets/")
    return web.FileResponse(
        path,
        headers={
            hdrs.CACHE_CONTROL: IMMUTABLE if hashed else "no-cache",
            **(FOR_OTHER_SITES if name == EMBED else {}),
        },
    )


def _answer(request: web.Request, served: Asset, *, hashed: bool) -> web.Response:
    """What extensions bring, with an entity tag: whoever has it already is told so."""
    cache = IMMUTABLE if hashed else "no-cache"
    known = any(tag.value in {served.tag, "*"} for tag in request.if_none_match or ())
    response = web.Response(status=304 if known else 200, body=None if known else served.body)
    response.headers[hdrs.CACHE_CONTROL] = cache
    response.etag = ETag(served.tag)
    if not known:
        response.headers[hdrs.CONTENT_TYPE] = served.media_type
    return response


def _catalogue(parts: Parts, name: str) -> Asset | None:
    """A catalogue, with the extensions' texts over ours."""
    extensions = parts.extensions.current
    match = CATALOGUE.fullmatch(name)
    if (
        match is None
        or not extensions.has_texts
        or match[1] not in extensions.languages(parts.webapp.languages)
    ):
        return None
    shipped = _file(parts.webapp.dist, name)
    texts = extensions.catalogue(json.loads(shipped.read_text("utf-8")) if shipped else {}, match[1])
    return Asset(json.dumps(texts, ensure_ascii=False).encode(), "application/json")


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
    parts = request.app[PARTS]
    return web.json_response(parts.extensions.current.languages(parts.webapp.languages))


async def patches(request: web.Request) -> web.Response:
    """`api/patches`: those of extensions as they are, for other clients; in our page they are applied already."""
    return web.json_response([patch.source for patch in request.app[PARTS].extensions.current.patches])


ROUTES = (
    Route(hdrs.METH_GET, "", client),
    Route(hdrs.METH_GET, "api/languages", languages),
    Route(hdrs.METH_GET, "api/patches", patches),
    Route(hdrs.METH_GET, "{path:(?!api/).+}", asset),
)
