"""What platforms say and ask of their instances, each request signed."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import jwt as pyjwt
import pytest
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.gate.host_keys import GATE
from broker.links import Signer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.broker.conftest import Broker

SECRET, OTHER_SECRET = bytes(range(32)), bytes(range(1, 33))
ORIGIN = "https://desk.example"
BASE = "/guacamole/"
LIMITS = """
targets = ["10.20.0.0/16:22"]
users = "[a-z]+"
networks = ["lab"]
parameters = ["network"]
"""


class Answer(NamedTuple):
    status: int
    body: Any


class Platform:
    """A platform's backend."""

    def __init__(self, broker: Broker, key_id: str = "portal", secret: bytes = SECRET) -> None:
        self.broker = broker
        self.signer = Signer(f"{ORIGIN}{BASE}", key_id, secret, clock=broker.clock)

    async def ask(self, method: str, path: str, given: Any = None, signed: str | None = None) -> Answer:
        """One request; `signed` takes the place of its own signature."""
        body = b"" if given is None else json.dumps(given).encode()
        headers = {"Authorization": self.signer.call(method, path, body) if signed is None else signed}
        url = f"{BASE}{path}"
        async with self.broker.client.request(method, url, headers=headers, data=body) as answer:
            text = await answer.text()
            return Answer(answer.status, json.loads(text) if text else None)

    async def refused(self, *words: Any, **options: Any) -> tuple[str, str]:
        """Reason and detail of a refusal, which the platform is not told."""
        with structlog.testing.capture_logs() as lines:
            answer = await self.ask(*words, **options)
        assert (answer.status, answer.body["type"]) == (403, "INVALID_CREDENTIALS")
        assert answer.body["message"] == "This link is not valid."
        (line,) = [line for line in lines if line["event"] == "refused"]
        return line["reason"], line["detail"]


@asynccontextmanager
async def serving(serve: Any, tmp_path: Path, limits: str = "", **settings: Any) -> AsyncIterator[Platform]:
    ring = tmp_path / "ring.toml"
    secret, other = (base64.b64encode(row).decode() for row in (SECRET, OTHER_SECRET))
    ring.write_text(
        f'[portal]\nsecret = "{secret}"\nschemes = ["jwt"]\ninstances = true\n{limits}'
        f'[other]\nsecret = "{other}"\nschemes = ["jwt"]\ninstances = true\n'
        f'[links]\nsecret = "{secret}"\nschemes = ["jwt"]\n'
    )
    settings = {"key_ring": ring, "public_origin": ORIGIN, "ban_after": 0, **settings}
    async with serve(**settings) as broker:
        yield Platform(broker)


@pytest.fixture
async def platform(serve: Any, tmp_path: Path) -> AsyncIterator[Platform]:
    async with serving(serve, tmp_path) as made:
        yield made


async def test_an_instance_from_its_making_to_its_end(platform: Platform) -> None:
    described = {"name": "web-1", "owner": "alice", "addresses": ["10.20.3.4"], "ports": {"ssh": [22, 22]}}
    made = await platform.ask("POST", "api/instances", {"id": "42", **described})
    assert made.status == 200
    instances = platform.broker.parts.instances
    assert await instances.authentic("42", made.body["token"], "10.20.3.4")
    found = (await platform.ask("GET", "api/instances/42")).body
    assert found == {name: value for name, value in made.body.items() if name != "token"}
    assert found["created"] == round(platform.broker.clock() * 1000)
    assert "vnc_password" not in found
    assert made.body["token"] not in json.dumps(found)
    changed = await platform.ask("PATCH", "api/instances/42", {"name": "web-2"})
    assert (changed.body["name"], changed.body["owner"]) == ("web-2", "alice")
    assert [row["name"] for row in (await platform.ask("GET", "api/instances")).body] == ["web-2"]
    token = (await platform.ask("POST", "api/instances/42/tokens", {"overlap": 60})).body["token"]
    assert await instances.authentic("42", made.body["token"], "")
    assert (await platform.ask("DELETE", "api/instances/42/tokens")).status == 204
    assert not await instances.authentic("42", token, "")
    assert (await platform.ask("DELETE", "api/instances/42")).status == 204
    assert (await platform.ask("GET", "api/instances/42")).status == 404


async def test_what_an_instance_reported_is_read_in_its_own_words(platform: Platform) -> None:
    await platform.ask("POST", "api/instances", {"name": "web"})
    nothing = (await platform.ask("GET", "api/instances/1/report")).body
    assert (nothing["reported"], nothing["ready"], nothing["host_keys"]["pins"]) == (None, None, [])
    parts = platform.broker.parts
    said = {"READY": "YES", "BROKER_ERROR": "a\u202eb\nc", "SINCE": "never", "V": {"until": "x"}}
    await parts.reports.merge("1", said, "10.20.3.4")
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKHEChxVhqjF3Ku9VZQDBrZcHDLyGEIHiMtP6yC8ZrXo"
    await parts.host_keys.saw("1", [key], GATE)
    now = round(parts.clock() * 1000)
    told = (await platform.ask("GET", "api/instances/1/report")).body
    assert (told["reported"], told["ready"], told["from"], told["error"]) == (now, True, "10.20.3.4", "a b c")
    assert told["attributes"] == said
    assert [(pin["line"], pin["source"], pin["since"]) for pin in told["host_keys"]["pins"]] == [
        (key, "gate", now)
    ]
    assert (await platform.ask("POST", "api/instances/1/tokens", {"rebuilt": True})).status == 200
    assert (await platform.ask("GET", "api/instances/1/report")).body["host_keys"]["pins"] == []


async def test_an_instance_of_another_key_or_of_the_operator_is_not_there(platform: Platform) -> None:
    other = Platform(platform.broker, "other", OTHER_SECRET)
    await other.ask("POST", "api/instances", {"id": "7", "name": "theirs", "addresses": ["10.20.3.4"]})
    await platform.broker.parts.instances.add({"name": "operators"}, identifier="8")
    for identifier in ("7", "8", "9"):
        for method, path, given in (
            ("GET", "", None), ("PATCH", "", {"name": "mine"}), ("DELETE", "", None),
            ("POST", "/tokens", {}), ("DELETE", "/tokens", None), ("GET", "/report", None),
        ):  # fmt: skip
            answer = await platform.ask(method, f"api/instances/{identifier}{path}", given)
            assert (answer.status, answer.body["type"]) == (404, "NOT_FOUND"), (method, path)
    assert (await platform.ask("GET", "api/instances")).body == []
    assert (await platform.ask("POST", "api/instances", {"id": "7"})).status == 409
    # each key has addresses of its own
    mine = await platform.ask("POST", "api/instances", {"addresses": ["10.20.3.4"]})
    assert mine.status == 200
    assert (await platform.ask("POST", "api/instances", {"addresses": ["10.20.3.4"]})).status == 409
    assert [row["name"] for row in (await other.ask("GET", "api/instances")).body] == ["theirs"]


NET = {
    "name": "lab",
    "routers": ["8"],
    "template": {"GATEWAY": "10.20.0.1"},
    "ranges": [{"IP": "10.20.0.10", "SIZE": "10", "leases": [{"IP": "10.20.0.10", "VM": "42"}]}],
}


async def test_a_virtual_network_is_described_in_whole(platform: Platform) -> None:
    put = await platform.ask("PUT", "api/vnets/0", NET)
    assert put == (200, {"id": "0", "key_id": "portal", "parent": "", **NET})
    assert (await platform.ask("GET", "api/vnets/0")).body == put.body
    other = Platform(platform.broker, "other", OTHER_SECRET)
    assert (await other.ask("GET", "api/vnets/0")).status == 404
    assert (await other.ask("DELETE", "api/vnets/0")).status == 404
    assert (await other.ask("PUT", "api/vnets/0", {"name": "theirs"})).status == 200  # each has its own ids
    assert (await platform.ask("PUT", "api/vnets/0", {"name": "lab"})).body["ranges"] == []
    assert [row["name"] for row in (await platform.ask("GET", "api/vnets")).body] == ["lab"]
    assert (await platform.ask("DELETE", "api/vnets/0")).status == 204
    assert (await platform.ask("GET", "api/vnets/0")).status == 404


@pytest.mark.parametrize(
    ("identifier", "given"), [("01", {}), ("x", {}), ("1", {"leases": []}), ("1", {"ranges": [1]}), ("1", [])]
)
async def test_what_is_no_virtual_network(platform: Platform, identifier: str, given: Any) -> None:
    assert (await platform.ask("PUT", f"api/vnets/{identifier}", given)).status == 400
    assert (await platform.refused("PUT", "api/vnets/1", {}, signed="Bearer x"))[0] == "bad-signature"
    assert (await platform.ask("GET", "api/vnets")).body == []


# -- signatures --------------------------------------------------------------------------------------------------------


async def test_a_request_is_good_once(platform: Platform) -> None:
    body = json.dumps({"name": "web"}).encode()
    signed = platform.signer.call("POST", "api/instances", body)
    assert (await platform.ask("POST", "api/instances", {"name": "web"}, signed)).status == 200
    assert await platform.refused("POST", "api/instances", {"name": "web"}, signed) == ("replayed", "")
    assert len(await platform.broker.parts.instances.all()) == 1


def altered(**claims: Any) -> Callable[[Platform], str]:
    """A signature by the right key that says something else."""

    def sign(platform: Platform) -> str:
        token = platform.signer.call("POST", "api/instances", b'{"name": "web"}').removeprefix("Bearer ")
        own = pyjwt.decode(token, options={"verify_signature": False})
        kept = {name: value for name, value in {**own, **claims}.items() if value is not None}
        header = {"kid": "portal", "typ": "fanlight-call+jwt"}
        return "Bearer " + pyjwt.encode(kept, SECRET, "HS256", headers=header)

    return sign


NOW = 1_700_000_000


@pytest.mark.parametrize(
    ("sign", "reason"),
    [
        (lambda _: "", "no-credentials"),
        (lambda _: "Basic Og==", "no-credentials"),
        (lambda _: "Bearer x", "bad-signature"),
        (lambda _: f"Bearer {'x' * 9000}", "bad-signature"),
        (lambda row: row.signer.call("POST", "api/instances", b'{"name": "web" }'), "outside-profile"),
        (lambda row: row.signer.call("POST", "api/instances"), "outside-profile"),
        (lambda row: row.signer.call("PATCH", "api/instances", b'{"name": "web"}'), "outside-profile"),
        (lambda row: row.signer.call("POST", "api/instances/", b'{"name": "web"}'), "outside-profile"),
        (lambda row: row.signer.call("POST", "api/instances?x", b'{"name": "web"}'), "outside-profile"),
        (lambda row: row.signer.call("POST", "api/instances/1", b'{"name": "web"}'), "outside-profile"),
        (lambda row: row.signer.call("POST", "api/instances", b'{"name": "web"}')[:-8] + "AAAAAAAA", "bad-signature"),
        (lambda row: "Bearer " + row.signer.token("ssh", "10.20.3.4", "alice"), "outside-profile"),
        (lambda row: Signer(ORIGIN + BASE, "nobody", SECRET).call("POST", "api/instances"), "unknown-key"),
        (lambda row: Signer(ORIGIN + BASE, "portal", OTHER_SECRET).call("POST", "api/instances"), "bad-signature"),
        (lambda row: Platform(row.broker, "links").signer.call("POST", "api/instances", b'{"name": "web"}'),
         "outside-profile"),
        (lambda row: Signer("https://elsewhere.example/guacamole/", "portal", SECRET, clock=row.broker.clock).call(
            "POST", "api/instances", b'{"name": "web"}'), "wrong-audience"),
        (altered(htm=None), "outside-profile"),
        (altered(htu=None), "outside-profile"),
        (altered(htu="https://elsewhere.example/guacamole/api/instances"), "outside-profile"),
        (altered(body=None), "outside-profile"),
        (altered(body=7), "outside-profile"),
        (altered(body="é\ud800"), "outside-profile"),
        (altered(jti=None), "outside-profile"),
        (altered(jti="short"), "outside-profile"),
        (altered(iat=NOW - 900, exp=NOW - 800), "expired"),
        (altered(iat=NOW + 900, exp=NOW + 950), "not-yet-valid"),
        (altered(exp=NOW + 9000), "outside-profile"),
        (altered(iss="other"), "outside-profile"),
    ],
)  # fmt: skip
async def test_what_was_not_signed_so_is_refused_alike(
    platform: Platform, sign: Callable[[Platform], str], reason: str
) -> None:
    got, _ = await platform.refused("POST", "api/instances", {"name": "web"}, signed=sign(platform))
    assert got == reason
    assert await platform.broker.parts.instances.all() == []


async def test_a_signature_for_the_interface_opens_no_session(platform: Platform) -> None:
    signed = platform.signer.call("POST", "api/tokens").removeprefix("Bearer ")
    assert await platform.broker.refused(f"jwt={signed}") == "outside-profile"


async def test_a_query_is_covered_too(platform: Platform) -> None:
    url = f"{BASE}api/instances?contains=web"
    plain, covering = (
        platform.signer.call("GET", path) for path in ("api/instances", "api/instances?contains=web")
    )
    for signed, status in ((plain, 403), (covering, 200)):
        answer = await platform.broker.client.get(url, headers={"Authorization": signed})
        assert answer.status == status


async def test_a_key_pair_signs_as_well(serve: Any, tmp_path: Path) -> None:
    pair = Ed25519PrivateKey.generate()
    pem = pair.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    limits = f'[pair]\npublic-key = """{pem.decode()}"""\nschemes = ["jwt"]\ninstances = true\n'
    async with serving(serve, tmp_path, limits) as platform:
        token = altered()(platform).removeprefix("Bearer ")
        claims = pyjwt.decode(token, options={"verify_signature": False}) | {"iss": "pair"}
        signed = pyjwt.encode(claims, pair, "EdDSA", headers={"kid": "pair", "typ": "fanlight-call+jwt"})
        assert (
            await platform.ask("POST", "api/instances", {"name": "web"}, f"Bearer {signed}")
        ).status == 200
        assert [row.key_id for row in await platform.broker.parts.instances.all()] == ["pair"]


async def test_guessers_are_kept_out_and_platforms_are_not(serve: Any, tmp_path: Path) -> None:
    async with serving(serve, tmp_path, ban_after=2) as platform:
        for _ in range(2):
            await platform.refused("GET", "api/instances", signed="Bearer x")
        # beyond its limits is not a guess
        assert (await platform.ask("GET", "api/instances")).status == 200
        await platform.refused("GET", "api/instances", signed="Bearer x")
        assert (await platform.ask("GET", "api/instances")).status == 429
    async with serving(serve, tmp_path, 'from = ["127.0.0.0/8"]\n', ban_after=2) as platform:
        for _ in range(5):
            await platform.refused("GET", "api/instances", signed="Bearer x")
        assert (await platform.ask("GET", "api/instances")).status == 200


async def test_a_key_is_good_from_its_network_and_in_its_time_alone(serve: Any, tmp_path: Path) -> None:
    async with serving(serve, tmp_path, 'from = ["192.0.2.0/24"]\n') as platform:
        assert (await platform.refused("GET", "api/instances"))[0] == "source-not-allowed"
    async with serving(serve, tmp_path, "not-after = 2023-01-01T00:00:00Z\n") as platform:
        assert (await platform.refused("GET", "api/instances"))[0] == "unknown-key"


# -- limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"addresses": ["10.20.3.4"], "owner": "alice"}, ""),
        ({"addresses": ["10.20.3.4"], "ports": {"ssh": [20, 30]}}, ""),
        ({"addresses": ["db"], "network": "lab"}, ""),
        ({"addresses": ["10.21.3.4"]}, "target-not-allowed"),
        ({"addresses": ["10.20.3.4", "10.21.3.4"]}, "target-not-allowed"),
        ({"addresses": ["10.20.3.4"], "ports": {"ssh": [23, 30], "vnc": [5900, 5999]}}, "target-not-allowed"),
        ({"addresses": ["127.0.0.1"]}, "target-not-allowed"),
        ({"addresses": ["db"], "network": "elsewhere"}, "target-not-allowed"),
        ({"owner": "r0ot"}, "user-not-allowed"),
        ({"owner": "alice", "users": ["bob", "r0ot"]}, "user-not-allowed"),
    ],
)
async def test_what_a_key_may_not_open_it_may_not_describe(
    serve: Any, tmp_path: Path, given: dict[str, Any], reason: str
) -> None:
    async with serving(serve, tmp_path, LIMITS, ban_after=1) as platform:
        if not reason:
            assert (await platform.ask("POST", "api/instances", given)).status == 200
            return
        for _ in range(3):  # nobody is kept out for it
            assert (await platform.refused("POST", "api/instances", given))[0] == reason
        await platform.ask("POST", "api/instances", {"id": "1"})
        assert (await platform.refused("PATCH", "api/instances/1", given))[0] == reason
        (row,) = await platform.broker.parts.instances.all()
        assert (row.addresses, row.owner, row.network) == ((), "", "")
        assert platform.broker.parts.door.refusals[-1].key_id == "portal"


async def test_allowed_targets_hold_for_a_key_without_targets(serve: Any, tmp_path: Path) -> None:
    async with serving(serve, tmp_path, "explain = true\n", allowed_targets="10.30.0.0/16:22") as platform:
        assert (await platform.ask("POST", "api/instances", {"addresses": ["10.30.0.1"]})).status == 200
        told = await platform.ask("POST", "api/instances", {"addresses": ["10.20.3.4"]})
        assert told.status == 403
        assert "10.20.3.4" in told.body["message"]
        assert (await platform.ask("POST", "api/instances", {"network": "lab"})).status == 403


@pytest.mark.parametrize(
    ("method", "path", "given"),
    [
        ("POST", "api/instances", [1]),
        ("POST", "api/instances", {"id": 7}),
        ("POST", "api/instances", {"id": "007"}),
        ("POST", "api/instances", {"tokens": []}),
        ("POST", "api/instances", {"key_id": ""}),
        ("POST", "api/instances", {"vnc_password": "x"}),
        ("POST", "api/instances", {"addresses": ["db.example"]}),
        ("POST", "api/instances", {"addresses": "10.20.3.4"}),
        ("POST", "api/instances", {"template": {"a b": "c"}}),
        ("PATCH", "api/instances/1", {"ports": {"ssh": [0, 22]}}),
        ("POST", "api/instances/1/tokens", {"overlap": True}),
        ("POST", "api/instances/1/tokens", {"overlap": 1e9}),
        ("POST", "api/instances/1/tokens", {"rebuilt": 1}),
    ],
)
async def test_what_cannot_be_understood_is_a_bad_request(
    platform: Platform, method: str, path: str, given: Any
) -> None:
    await platform.ask("POST", "api/instances", {"name": "web"})
    before = await platform.broker.parts.instances.all()
    assert (await platform.ask(method, path, given)).status == 400
    assert await platform.broker.parts.instances.all() == before


async def test_a_body_is_bounded(platform: Platform) -> None:
    answer = await platform.ask("POST", "api/instances", {"name": "x" * 300_000})
    assert answer.status == 413
