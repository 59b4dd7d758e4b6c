"""Signed releases: what is believed, and what is not."""

from __future__ import annotations

import base64
import json

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.release import Release, ReleaseError, number, public_key, read, sign

SIGNER = asyncssh.generate_private_key("ssh-ed25519")
WHEELS = {"fanlight-1.2.0-py3-none-any.whl": b"program", "dep-3.1-cp311-abi3-linux_x86_64.whl": b"more"}
PUBLIC = asyncssh.import_public_key(SIGNER.export_public_key())
TEXT = sign("1.2.0", WHEELS, SIGNER)


def stranger() -> asyncssh.SSHKey:
    return asyncssh.import_public_key(asyncssh.generate_private_key("ssh-ed25519").export_public_key())


def signed(release: object) -> str:
    """Anything, signed as a release is."""
    text = json.dumps(release)
    signature = base64.b64encode(SIGNER.sign(b"fanlight release\n" + text.encode(), b"ssh-ed25519"))
    return json.dumps({"release": text, "signature": signature.decode()})


def test_what_was_signed_is_read() -> None:
    other = stranger()
    release = read(TEXT, [other, PUBLIC])
    assert release.version == "1.2.0"
    assert set(release.wheels) == set(WHEELS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no signed release"),
        ("[]", "no signed release"),
        (TEXT[:-40], "no signed release"),
        (TEXT.replace("1.2.0", "1.2.1"), "not signed"),
        (signed({}), "fields of a release"),
        (signed({"version": "1.2.0", "wheels": {}}), "1 to 200 wheels"),
        (signed({"version": "1.2.0", "wheels": {"../x.whl": "0" * 64}}), "not a wheel"),
        (signed({"version": "1.2.0", "wheels": {"x-1-py3-none-any.whl": "0"}}), "not a wheel"),
        (signed({"version": "1.2.0", "wheels": {"x-1-py3-none-any.whl": "0" * 64}}), "not among"),
        (signed({"version": "../1", "wheels": {"x.whl": "0" * 64}}), "not a version"),
        (signed({"version": 1, "wheels": {"x.whl": "0" * 64}}), "no version"),
        (signed({"version": "1.2.0", "wheels": {f"x{n}.whl": "0" * 64 for n in range(201)}}), "1 to 200"),
    ],
)
def test_what_is_not_believed(text: str, says: str) -> None:
    with pytest.raises(ReleaseError, match=says):
        read(text, [PUBLIC])


def test_another_ones_signature() -> None:
    with pytest.raises(ReleaseError, match="not signed by one of the update-keys"):
        read(TEXT, [stranger()])
    with pytest.raises(ReleaseError, match="not signed"):
        read(TEXT, [])


@given(st.text(max_size=200), st.binary(max_size=200))
def test_any_signature_is_an_error_and_nothing_else(text: str, signature: bytes) -> None:
    packed = json.dumps({"release": text, "signature": base64.b64encode(signature).decode()})
    for offered in (text, packed):
        with pytest.raises(ReleaseError):
            read(offered, [PUBLIC])


def test_only_ed25519_signs() -> None:
    with pytest.raises(ReleaseError, match="Ed25519"):
        sign("1.2.0", WHEELS, asyncssh.generate_private_key("ecdsa-sha2-nistp256"))
    with pytest.raises(ReleaseError, match=r"1\.3\.0 is not among"):
        sign("1.3.0", WHEELS, SIGNER)
    line = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
    for wrong in (line, "ssh-ed25519 AAAA", "x"):
        with pytest.raises(ValueError, match="ssh-ed25519 AAAA"):
            public_key(wrong)


def test_versions_are_compared_as_numbers() -> None:
    assert number("1.10.0") > number("1.9.9")
    assert number("1.2") == number("1.2.0")
    for wrong in ("", "1.2rc1", "v1", "1..2", "1.2.3.4.5.6"):
        with pytest.raises(ReleaseError):
            number(wrong)
    assert Release("1", {}).version == "1"
