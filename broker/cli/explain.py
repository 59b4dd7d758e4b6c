"""What a request says, and which mistake its signature looks like; for `fanlight verify`. Nothing secret is shown."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from broker.auth.hmac_form import SIGNED, V0, V1
from broker.log import SECRET_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from broker.auth.base import Claim, Key

__all__ = ["described", "mistake", "signed_at"]

FORMS = {V0.name: V0, V1.name: V1}
PASSWORD = "guac.password"  # noqa: S105 - a parameter's name
MAX_SHOWN = 2000


def described(scheme: str, claim: Claim, default_protocol: str) -> list[str]:
    """The text that the signature covers, and what it is made of; passwords are left out."""
    if scheme in FORMS:
        values = _values(claim, default_protocol)
        hidden = {**values, PASSWORD: "(password)" if values[PASSWORD] else ""}
        length = len(FORMS[scheme].message(values).encode())
        pieces = " ".join(f"{name}={value!r}" for name, value in hidden.items())
        return [f"{FORMS[scheme].message(hidden)} ({length} bytes)", f"of {pieces}"]
    if scheme == "jwt":
        parts = [_json(_unpadded(part)) for part in claim.first("jwt").split(".")[:2]]
        return [json.dumps(_masked(part), ensure_ascii=False)[:MAX_SHOWN] for part in parts]
    if scheme == "gateone":
        return [json.dumps(_masked(_json(claim.first("auth"))), ensure_ascii=False)[:MAX_SHOWN]]
    return [f"{len(claim.first('data'))} characters, encrypted"]


def signed_at(scheme: str, claim: Claim, now: float) -> float:
    """Unix seconds at which the request was good, as it says itself; `now` where it does not say."""
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
        if scheme in FORMS:
            return int(claim.first("timestamp")) / 1000
        if scheme == "jwt":
            return float(_json(_unpadded(claim.first("jwt").split(".")[1]))["iat"])
        if scheme == "gateone":
            return int(_json(claim.first("auth"))["timestamp"]) / 1000
    return now


def mistake(scheme: str, claim: Claim, keys: Sequence[Key], default_protocol: str) -> str:
    """What was signed instead, where that is a known mistake; else what to look at. Forms only."""
    if scheme not in FORMS:
        return ""
    values = _values(claim, default_protocol)
    given = claim.first("signature").replace(" ", "+")
    for key in keys:
        for name, signature in _signatures(scheme, values, key.secret):
            if hmac.compare_digest(signature.encode(), given.encode("utf-8", "surrogatepass")):
                return f"{name}, with the key {key.key_id}"
    return "no usual mistake explains it: the secret is another one, or a signed value was changed on the way"


def _signatures(scheme: str, values: Mapping[str, str], secret: bytes) -> Iterator[tuple[str, str]]:
    """Signatures that platforms make by mistake, each with its name."""
    form = FORMS[scheme]
    message = form.message(values)
    yield "it is a hexadecimal digest", _digest(secret, message, form.digest).hex()
    hexadecimal = _digest(secret, message, form.digest).hex().encode()
    yield "it is the base64 of a hexadecimal digest", base64.b64encode(hexadecimal).decode()
    yield "it is URL-safe base64", base64.urlsafe_b64encode(_digest(secret, message, form.digest)).decode()
    stripped = secret.strip()
    if stripped != secret:
        yield "the secret was signed with without its blanks", _base64(stripped, message, form.digest)
    yield "the secret was signed with a line's end behind it", _base64(secret + b"\n", message, form.digest)
    for other in FORMS.values():
        for digest in ("sha256", "sha1"):
            if (other, digest) != (form, form.digest):
                text = other.message(values)
                yield f"{other.name}'s message was signed with {digest}", _base64(secret, text, digest)
    for name in SIGNED[1:]:
        if values[name]:
            text = form.message({**values, name: ""})
            yield f"{name} was not signed", _base64(secret, text, form.digest)
    with contextlib.suppress(ValueError):
        seconds = str(int(values["timestamp"]) // 1000)
        text = form.message({**values, "timestamp": seconds})
        yield "the timestamp was signed in seconds", _base64(secret, text, form.digest)


def _digest(secret: bytes, message: str, digest: str) -> bytes:
    return hmac.digest(secret, message.encode("utf-8", "surrogatepass"), digest)


def _base64(secret: bytes, message: str, digest: str) -> str:
    return base64.b64encode(_digest(secret, message, digest)).decode()


def _values(claim: Claim, default_protocol: str) -> dict[str, str]:
    values = {name: claim.first(name) for name in SIGNED}
    values["guac.protocol"] = values["guac.protocol"] or default_protocol
    return values


def _unpadded(part: str) -> str:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _masked(value: Any) -> Any:
    """Values whose names sound secret are left out."""
    if not isinstance(value, dict):
        return value
    return {
        name: "(hidden)" if SECRET_NAMES.search(str(name)) and row else _masked(row)
        for name, row in value.items()
    }
