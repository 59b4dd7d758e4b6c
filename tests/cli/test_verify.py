"""A refused request is explained line by line, and nothing secret is shown."""

from __future__ import annotations

import base64
import hmac
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from broker.cli.outcome import Exit
from broker.cli.portal import Request, v1_form
from broker.links import Signer

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "so-secret-that-nobody-may-see-it"
NOW = 1_700_000_000_000
RING_SECRET = bytes(range(32))


@pytest.fixture
def explain(fanlight: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs the command for a request; lines by what they are about."""
    ring = tmp_path / "ring.toml"
    ring.write_text(
        f'[portal]\nsecret = "{base64.b64encode(RING_SECRET).decode()}"\nschemes = ["jwt"]\nusers = "alice"\n'
        'targets = ["10.0.0.0/8:22"]\nfrom = ["192.0.2.0/24"]\n'
    )
    monkeypatch.setenv("FANLIGHT_SECRET_KEY", SECRET)
    monkeypatch.setenv("FANLIGHT_KEY_RING", str(ring))
    monkeypatch.setenv("FANLIGHT_PUBLIC_ORIGIN", "https://desk.example")

    def run(request: str, *arguments: object) -> dict[str, tuple[bool | None, str]]:
        outcome = fanlight("verify", "--json", "--at", NOW, *arguments, "--", request)
        for secret in (SECRET, base64.b64encode(RING_SECRET).decode(), "display", "hunter2"):
            assert secret not in outcome.output + outcome.errors
        lines = {row["check"]: (row["passed"], row["detail"]) for row in outcome.json}
        assert outcome.code == (Exit.FAILED if any(row[0] is False for row in lines.values()) else Exit.DONE)
        return lines

    return run


def form(secret: str = SECRET, now: int = NOW, **changes: str) -> str:
    signed = v1_form(Request("ssh", "10.1.2.3", 22, "alice", "", {}, "abc"), secret, now)
    return urlencode(signed | {name.replace("_", "."): value for name, value in changes.items()})


def resigned(message: str, digest: str = "sha256", secret: str = SECRET) -> str:
    signature = hmac.digest(secret.encode(), message.encode(), digest)
    return (
        form().split("&signature=")[0] + "&" + urlencode({"signature": base64.b64encode(signature).decode()})
    )


def test_nothing_is_wrong(explain: Any) -> None:
    lines = explain(form())
    assert all(passed is not False for passed, _ in lines.values())
    assert lines["scheme"] == (True, "v1")
    assert lines["signature"] == (True, "by the key secret-key")
    assert lines["target"] == (True, "10.1.2.3 port 22")


def test_the_signed_text_is_shown_without_its_password(explain: Any) -> None:
    request = v1_form(Request("vnc", "10.1.2.3", 5905, "alice", "display"), SECRET, NOW)
    text = explain(urlencode(request))["signed"][1]
    assert "guac.hostname='10.1.2.3'" in text
    assert "(password)" in text


@pytest.mark.parametrize(
    "request_text",
    [
        f"https://desk.example/guacamole/connect?{form()}",
        f"https://desk.example/guacamole/#/client/x?{form()}",
        f"https://desk.example/guacamole/#/?{form()}",
    ],
)
def test_links_of_every_kind_are_read(explain: Any, request_text: str) -> None:
    assert explain(request_text)["signature"][0] is True


@pytest.mark.parametrize(
    ("request_text", "check", "said"),
    [
        (form(now=NOW - 700_000), "time", "expired: 700 s old"),
        (form(now=NOW + 60_000), "time", "not-yet-valid: 60 s ahead"),
        (form(guac_hostname="10.1.2.4"), "signature", "a signed value was changed"),
        (form(secret="another"), "signature", "the secret is another one"),
        (resigned(f"{NOW}ssh10.1.2.322alice", secret=f"{SECRET}\n"), "signature", "a line's end"),
        (resigned(f"{NOW}ssh10.1.2.322"), "signature", "guac.username was not signed"),
        (resigned(f"{NOW // 1000}ssh10.1.2.322alice"), "signature", "in seconds"),
        (resigned(f"{NOW}sshusernamealicehostname10.1.2.3port22"), "signature", "v0's message"),
        (urlencode(v1_form(Request("ssh", "10.1.2.3", 23, "alice"), SECRET, NOW)), "rules", "port"),
        (urlencode(v1_form(Request("ssh", "127.0.0.1", 22, "alice"), SECRET, NOW)), "target", "127.0.0.1"),
        ("user=alice", "scheme", "its parameters: user"),
        (form() + "&timestamp=1", "request", "more than once"),
    ],
)
def test_mistakes_are_named(explain: Any, request_text: str, check: str, said: str) -> None:
    passed, detail = explain(request_text)[check]
    assert passed is False
    assert said in detail


def test_a_late_request_is_looked_at_to_the_end(explain: Any) -> None:
    late = urlencode(v1_form(Request("ssh", "169.254.169.254", 22, "alice"), SECRET, NOW - 3_600_000))
    lines = explain(late)
    assert (lines["time"][0], lines["rules"][0], lines["target"][0]) == (False, True, False)


def token(**more: Any) -> str:
    signer = Signer("https://desk.example/guacamole/", "portal", RING_SECRET, clock=lambda: NOW / 1000)
    return signer.token("ssh", "10.1.2.3", more.pop("user", "alice"), {"password": "hunter2"}, **more)


@pytest.mark.parametrize(
    ("text", "sender", "check", "said"),
    [
        (token(), "192.0.2.1", None, ""),
        (token(), "198.51.100.1", "limits", "source-not-allowed"),
        (token(user="bob"), "192.0.2.1", "limits", "user-not-allowed"),
        (token(aud="https://elsewhere.example"), "192.0.2.1", "rules", "wrong-audience"),
        (token(iat=NOW / 1000 - 600, exp=NOW / 1000 - 500), "192.0.2.1", "time", "expired"),
        (token()[:-4] + "AAAA", "192.0.2.1", "signature", "bad-signature"),
    ],
)
def test_tokens(explain: Any, text: str, sender: str, check: str | None, said: str) -> None:
    lines = explain(text, "--from", sender)
    assert [name for name, (passed, _) in lines.items() if passed is False] == ([check] if check else [])
    assert check is None or said in lines[check][1]
    assert json.loads(lines["signed"][1])["cnx"]["password"] == "(hidden)"


def test_people_read_it_too(fanlight: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANLIGHT_SECRET_KEY", SECRET)
    outcome = fanlight("verify", "--at", NOW, form(secret="another"))
    assert outcome.output.splitlines()[0].split() == ["✓", "scheme", "v1"]
    assert "✕ signature" in outcome.output
