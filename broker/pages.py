"""Rendered pages: what every template is given, and the page for what fails before the page proper."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from broker.parts import PARTS

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["error_page", "page"]

TITLES = {
    403: "This link is no longer valid",
    404: "There is nothing here",
    429: "Too many attempts",
    503: "Fanlight is being updated",
}
OTHER_TITLE = "This did not work"


def page(request: web.Request, template: str, **more: str) -> str:
    """Render a template in the browser's language.

    Args:
        request: whose.
        template: its file name.
        more: further texts that it shows.
    """
    parts = request.app[PARTS]
    settings = parts.settings
    config = {
        "name": settings.site_name,
        "version": version("fanlight"),
        "portal_url": settings.portal_url,
        "portal_name": settings.portal_name,
        "help_url": settings.help_url,
        "help_name": settings.help_name,
        "banner": settings.banner,
    }
    language = _language(request.headers.get("Accept-Language", ""), parts.webapp.languages)
    return parts.webapp.render(template, settings.base_path, language, config, **more)


def error_page(request: web.Request, status: int, sentence: str) -> str:
    """The page that a person sees who opened an address by hand and cannot go on."""
    return page(request, "error.html", title=TITLES.get(status, OTHER_TITLE), sentence=sentence, code="")


def _language(accepted: str, known: dict[str, str]) -> str:
    """The first known language that the browser names; browsers sort them."""
    for entry in accepted.split(",")[:10]:
        key = entry.partition(";")[0].strip().lower()
        if key in known:
            return key
        if key.partition("-")[0] in known:
            return key.partition("-")[0]
    return "en"
