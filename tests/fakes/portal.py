"""A real Django portal with one view, which mints links with our helper: what docs/how-to/django.md tells people to write."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import redirect
from django.test import Client
from django.urls import path

from broker.links import Signer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SECRET", "DjangoPortal"]

SECRET = base64.b64encode(bytes(range(32))).decode()
INSTANCES = {"web-1": "10.1.2.3"}

signers: list[Signer] = []
"""The one in use; a real project makes it from its settings."""


def web_shell(request: HttpRequest, name: str) -> HttpResponse:
    """Send the person to a shell on their instance."""
    user = request.headers.get("X-User", "")  # stands for request.user.username
    if not user:
        return HttpResponseForbidden()
    return redirect(signers[-1].link("ssh", INSTANCES[name], user, {"color-scheme": "green-black"}))


urlpatterns = [path("instances/<name>/shell", web_shell)]


class DjangoPortal:
    """The portal, and a browser that visits it."""

    def __init__(self, broker_url: str, clock: Callable[[], float]) -> None:
        signers.append(Signer(broker_url, "portal-2026a", base64.b64decode(SECRET), clock=clock))
        if not settings.configured:
            settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="of django", ALLOWED_HOSTS=["*"])
            django.setup()
        self._browser = Client()

    def visit(self, address: str, user: str = "") -> Any:
        """What the portal answers."""
        return self._browser.get(address, headers={"X-User": user} if user else {})
