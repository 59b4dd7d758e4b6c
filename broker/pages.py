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
PATCHED = "page.html"
"""What patches are for; the other pages wear the styles alone."""


def page(request: web.Request, template: str, **more: str) -> str:
    """Render a template in the browser's language, and put the extensions' work into it.

    Args:
        request: whose.
        template: its file name.
        more: further texts that it shows.
    """
    parts = request.app[PARTS]
    settings = parts.settings
    extensions = parts.extensions.current
    known = extensions.languages(parts.webapp.languages)
    language = _language(request.headers.get("Accept-Language", ""), known)
    named = "site_name" in settings.model_fields_set
    config = {
        "name": settings.site_name if named else extensions.site_name(language) or settings.site_name,
        "version": version("fanlight"),
        "portal_url": settings.portal_url,
        "portal_name": settings.portal_name,
        "help_url": settings.help_url,
        "help_name": settings.help_name,
        "banner": settings.banner,
    }
    rendered = parts.webapp.render(template, settings.base_path, language, config, **more)
    return extensions.dress(rendered, settings.base_path, patched=template == PATCHED)


def error_page(request: web.Request, status: int, sentence: str) -> str:
    """The page that a person sees who opened an address by hand and cannot go on."""
    return page(request, "error.html", title=TITLES.get(status, OTHER_TITLE), sentence=sentence, code="")


def _language(accepted: str, known: dict[str, str]) -> str:
    """The first known language that the browser names; browsers sort them."""
    tags = {key.lower().replace("_", "-"): key for key in known}
    for entry in accepted.split(",")[:10]:
        tag = entry.partition(";")[0].strip().lower()
        found = tags.get(tag) or tags.get(tag.partition("-")[0])
        if found is not None:
            return found
    return "en"
