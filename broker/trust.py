"""Who is trusted, out of the settings: the schemes by which platforms sign, and the keys they sign with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import structlog

from broker.auth.base import Key
from broker.auth.gateone import GateOneScheme
from broker.auth.hmac_form import V0, V1, HmacForm, Rules
from broker.auth.json import JsonScheme
from broker.auth.jwt import JwtRules, JwtScheme
from broker.keyring import Entry, KeyRing, Limits

if TYPE_CHECKING:
    from broker.auth.base import Scheme
    from broker.settings import Settings

__all__ = ["calls", "fixed_keys", "key_ring", "schemes"]

SECRET_KEY, JSON_SECRET_KEY = "secret-key", "json-secret-key"
"""The keys that the settings of these names make."""


def calls(settings: Settings) -> JwtScheme:
    """How platforms sign what they ask of the interface."""
    return JwtScheme(JwtRules(settings.public_origin, settings.jwt_max_lifetime, settings.clock_skew))


def schemes(settings: Settings) -> list[Scheme]:
    """Every way to sign; the first that recognises a request verifies it."""
    form = Rules(
        age_limit=settings.timestamp_age_limit / 1000,
        skew=settings.clock_skew,
        ports=settings.v1_ports,
        vnc_password=settings.v1_vnc_password.get_secret_value(),
        username=re.compile(settings.v1_username),
        strict=settings.v1_ambiguity == "strict",
        default_protocol=settings.default_protocol,
    )
    gateone = GateOneScheme(settings.clock_skew)
    return [calls(settings), JsonScheme(), gateone, HmacForm(V0, form), HmacForm(V1, form)]


def fixed_keys(settings: Settings) -> list[Entry]:
    """The keys that stand in settings."""
    fixed = []
    secret = settings.secret_key.get_secret_value()
    if secret:
        limits = Limits.model_validate({"schemes": ("v1",), "reported-ports": settings.reported_ports})
        fixed.append(Entry(Key(SECRET_KEY, secret.encode()), limits))
    if settings.json_secret_key is not None:
        values = {"schemes": ("json",), "from": settings.json_trusted_networks}
        limits = Limits.model_validate({**values, "reported-ports": settings.reported_ports})
        fixed.append(Entry(Key(JSON_SECRET_KEY, settings.json_secret_key), limits))
    return fixed


def key_ring(settings: Settings) -> KeyRing:
    """The keys of settings and of the key ring file.

    Raises:
        KeyRingError: the file cannot be read.
    """
    ring = KeyRing(fixed_keys(settings), settings.key_ring)
    if not len(ring):
        structlog.get_logger().warning("no key is set up: no link can be redeemed")
    return ring
