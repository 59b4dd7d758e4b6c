"""The weaknesses of the old schemes, W1 to W23 of the sheet, each met by name on the whole application.

What another file proves in depth is proved here once, through the front door.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import inspect
import re
import ssl
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from pydantic import ValidationError

from broker.auth import hmac_form
from broker.cli.outcome import CommandError
from broker.cli.portal import Request, redeem, v1_form
from broker.links import Signer
from broker.proxyd_client import Address
from broker.settings import Settings
from broker.store import Kind
from tests.fakes.guacd import Guacd
from tests.servers.certificates import new_certificate

if TYPE_CHECKING:
    from tests.broker.conftest import Broker


def changed(body: str, **changes: str | None) -> str:
    """A form with fields replaced, added, or left out, not signed anew. `guac_port` stands for `guac.port`."""
    names = {name.replace("guac_", "guac."): value for name, value in changes.items()}
    kept = [pair for pair in body.split("&") if pair.partition("=")[0] not in names]
    return "&".join([*kept, *(f"{name}={value}" for name, value in names.items() if value is not None)])


def make_key(folder: Path, user: str = "alice") -> str:
    """A key on file; returns its text."""
    key = ed25519.Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    folder.chmod(0o700)
    (folder / user).mkdir(mode=0o700)
    file = folder / user / "id_ed25519_guac"
    file.write_bytes(text)
    file.chmod(0o600)
    return text.decode()


async def test_w01_digits_moved_between_host_port_and_user(broker: Broker) -> None:
    """One signature, two hosts and two users: the reading that names begin with a digit is refused."""
    broker.platform.username = "2bob"
    assert await broker.refused(broker.platform.body("10.1.2.3", "ssh")) == "outside-profile"


async def test_w02_names_inside_values(broker: Broker) -> None:
    """v0's parameter names mean nothing to v1, and v0 itself is not served."""
    body = broker.platform.body("10.1.2.3", "ssh")
    assert await broker.refused(changed(body, guac_username="xhostnameevil")) == "bad-signature"


@pytest.mark.parametrize(
    "injected",
    [
        "sftp-hostname=192.0.2.66", "command=rm", "recording-path=/etc", "typescript-path=/etc", "host-key=x",
        "sftp-host-key=x", "enable-agent=true", "wol-send-packet=true", "reverse-connect=true",
        "dest-host=192.0.2.66", "read-only=false", "private-key=x", "sftp-username=root", "sftp-directory=/etc",
        "color-scheme=foreground:red", "enable-sftp=yes", "sftp-private-key=x", "sftp-root-directory=/",
    ],
)  # fmt: skip
async def test_w03_unsigned_parameters(relay: Broker, injected: str) -> None:
    """Only four harmless ones are taken, with the values that they must have; the names of others are logged."""
    name, value = injected.split("=", 1)
    body = changed(relay.platform.body("10.1.2.3", "ssh", "abc"), **{f"guac_{name}": value})
    with structlog.testing.capture_logs() as lines:
        answer = await relay.post_form(body)
    assert answer.status == 200
    (line,) = [line for line in lines if line["event"] == "granted"]
    assert line["dropped"] == name
    token = (await answer.json())["authToken"]
    session = await relay.parts.sessions.find(token)
    assert session is not None
    assert session.connections["abc"].parameters.get(name) != value


async def test_w04_ids_belong_to_their_session(broker: Broker) -> None:
    """Another request cannot put another target behind an id that a session has."""
    token = await broker.token(identifier="abc")
    other = broker.platform.body("10.9.9.9", "ssh", "abc")
    answer = await broker.post_form(f"{other}&token={token}")
    assert answer.status == 200
    fresh = (await answer.json())["authToken"]
    assert fresh != token
    session = await broker.parts.sessions.find(token)
    assert session is not None
    assert session.connections["abc"].parameters["hostname"] == "10.1.2.3"


async def test_w05_a_request_is_redeemed_once(broker: Broker) -> None:
    body = broker.platform.body("10.1.2.3", "ssh")
    assert (await broker.post_form(body)).status == 200
    assert await broker.refused(body) == "replayed"
    assert await broker.refused(changed(body, id="another", guac_command="x")) == "replayed"


async def test_w05_also_after_a_restart(serve: Any, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/broker.sqlite"
    async with serve(store=store) as first:
        body = first.platform.body("10.1.2.3", "ssh")
        assert (await first.post_form(body)).status == 200
    async with serve(store=store) as second:
        assert await second.refused(body) == "replayed"


async def test_w05_of_many_at_once_one_is_let_in(broker: Broker) -> None:
    body = broker.platform.body("10.1.2.3", "ssh")
    answers = await asyncio.gather(*(broker.post_form(body) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [403] * 7


async def test_w06_timestamps_in_the_future(broker: Broker) -> None:
    body = broker.platform.body("10.1.2.3", "ssh")
    broker.clock.now -= 31
    assert await broker.refused(body) == "not-yet-valid"
    broker.clock.now += 2
    assert (await broker.post_form(body)).status == 200


def test_w07_no_age_limit_is_an_error() -> None:
    with pytest.raises(ValidationError, match="never expire"):
        Settings(timestamp_age_limit=0)
    assert Settings(timestamp_age_limit=0, allow_unlimited_age=True).timestamp_age_limit == 0


async def test_w07_unless_it_is_wanted(serve: Any) -> None:
    async with serve(timestamp_age_limit=0, allow_unlimited_age=True) as broker:
        body = broker.platform.body("10.1.2.3", "ssh")
        broker.clock.now += 86400 * 365
        assert (await broker.post_form(body)).status == 200
        assert await broker.refused(body) == "replayed"


@pytest.mark.parametrize("timestamp", ["", "x", "1", "9" * 400, "-170000000000", "1.7e12", "%00"])
async def test_w08_malformed_timestamps(broker: Broker, timestamp: str) -> None:
    body = changed(broker.platform.body("10.1.2.3", "ssh"), timestamp=timestamp)
    assert await broker.refused(body) == "bad-signature"


@pytest.mark.parametrize(
    "user",
    [
        "../alice", "..", ".", "/etc/passwd", "alice/../bob", "alice\0", "alice%2f..", "..\\alice", "alice/.",
        "~root", "alice\n", " alice", "alice ", "a" * 300, "", "null", "\u202ealice", "al\u0000ice", "//", "\u2024.",
    ],
)  # fmt: skip
async def test_w09_names_that_are_paths(serve: Any, tmp_path: Path, user: str) -> None:
    """Twenty spellings, signed by the platform: refused, and nothing outside of the folder is opened."""
    (tmp_path / "keys").mkdir()
    make_key(tmp_path / "keys")
    make_key(tmp_path, "null") if user == "null" else None
    async with serve(use_local_privkey=True, key_directory=tmp_path / "keys", require_privkey=True) as broker:
        broker.platform.username = user
        body = broker.platform.body("10.1.2.3", "ssh")
        answer = await broker.post_form(body)
        assert answer.status == 403
        text = await answer.text()
        assert "This link is not valid." in text


async def test_w10_no_key_on_file_is_explained_in_the_log(serve: Any, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    async with serve(use_local_privkey=True, key_directory=tmp_path, require_privkey=True) as broker:
        assert await broker.refused(broker.platform.body("10.1.2.3", "ssh")) == "key-missing"


async def test_w10_or_the_instance_asks_for_a_password(serve: Any, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    async with Guacd() as daemon, serve(daemon, use_local_privkey=True, key_directory=tmp_path) as broker:
        token = await broker.token()
        async with broker.client.ws_connect("/guacamole/websocket-tunnel", params=broker.tunnel_query(token)):
            assert (await daemon.accepted()).parameters["private-key"] == ""


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n  \n"])
async def test_w11_the_key_arrives_whole(serve: Any, tmp_path: Path, ending: str) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    text = make_key(keys).strip()
    file = keys / "alice" / "id_ed25519_guac"
    file.write_bytes((text.replace("\n", "\r\n") if "\r" in ending else text).encode() + ending.encode())
    async with Guacd() as daemon, serve(daemon, use_local_privkey=True, key_directory=keys) as broker:
        token = await broker.token()
        async with broker.client.ws_connect("/guacamole/websocket-tunnel", params=broker.tunnel_query(token)):
            assert (await daemon.accepted()).parameters["private-key"] == text + "\n"


async def test_w12_the_key_is_never_told(serve: Any, tmp_path: Path) -> None:
    """It crosses to the daemon and goes nowhere else; plain TCP to another host is in test_proxyd_client."""
    keys = tmp_path / "keys"
    keys.mkdir()
    text = make_key(keys)
    async with Guacd() as daemon, serve(daemon, use_local_privkey=True, key_directory=keys) as broker:
        with structlog.testing.capture_logs() as lines:
            token = await broker.token()
            async with broker.client.ws_connect(
                "/guacamole/websocket-tunnel", params=broker.tunnel_query(token)
            ):
                assert (await daemon.accepted()).parameters["private-key"] == text
        parameters = "/guacamole/api/session/data/hmac/connections/abc/parameters"
        assert (await broker.client.get(parameters, params={"token": token})).status == 403
        assert text.splitlines()[1] not in str(lines)


async def test_w13_host_keys_are_not_taken_from_the_link(relay: Broker) -> None:
    """Host keys are proxyd's to check; a link cannot bring its own."""
    body = changed(relay.platform.body("10.1.2.3", "ssh", "abc"), **{"guac_host-key": "ssh-ed25519 AAAA"})
    token = (await (await relay.post_form(body)).json())["authToken"]
    session = await relay.parts.sessions.find(token)
    assert session is not None
    assert "host-key" not in session.connections["abc"].parameters


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "192.0.2.1"])
async def test_w14_targets_outside_the_allow_list(serve: Any, host: str) -> None:
    async with serve(allowed_targets="10.0.0.0/8:*, 0.0.0.0/1:5905, 128.0.0.0/1:5905") as broker:
        assert await broker.refused(broker.platform.body(host, "ssh")) == "target-not-allowed"


async def test_w15_no_secret_in_any_line(broker: Broker) -> None:
    """Neither what was received nor what would have been right."""
    body = broker.platform.body("10.1.2.3", "vnc")
    wrong = changed(body, guac_hostname="10.1.2.4")
    with structlog.testing.capture_logs() as lines:
        await broker.post_form(wrong)
        await broker.post_form(body)
        await broker.post_form(body)
    fields = dict(pair.split("=", 1) for pair in body.split("&"))
    expected = base64.b64encode(
        hmac.new(
            b"so-secret", f"{fields['timestamp']}vnc10.1.2.45905alicedisplay".encode(), hashlib.sha256
        ).digest()
    ).decode()
    text = str(lines)
    assert len(lines) >= 3
    for secret in (fields["signature"], expected, "so-secret", "display"):
        assert secret not in text
        assert secret.replace("+", " ") not in text


def test_w16_signatures_are_compared_in_constant_time() -> None:
    """On decoded bytes of exact length; `==` never meets a signature."""
    source = inspect.getsource(hmac_form.HmacForm._signer)
    assert "hmac.compare_digest" in source
    assert "== signature" not in inspect.getsource(hmac_form)


async def test_w19_the_token_does_not_lead_back(broker: Broker) -> None:
    """No referrer, nothing cached, the token nowhere but in the answer."""
    answer = await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    token = (await answer.json())["authToken"]
    stored = await broker.parts.store.newest(Kind.TOKEN, 10)
    assert stored
    assert token not in str(stored)
    assert not any(b"10.1.2.3" in value or b"alice" in value for value in stored.values())


@pytest.mark.parametrize(
    "name", ["timestamp", "guac.hostname", "guac.username", "guac.port", "signature", "id"]
)
async def test_w20_injected_fields(broker: Broker, name: str) -> None:
    """A name given twice is no request at all."""
    answer = await broker.post_form(broker.platform.body("10.1.2.3", "ssh") + f"&{name}=x")
    assert answer.status == 400
    assert (await answer.json())["type"] == "BAD_REQUEST"


async def test_w20_a_user_name_that_holds_a_field(broker: Broker) -> None:
    broker.platform.username = "a&guac.command=x"
    assert await broker.refused(broker.platform.body("10.1.2.3", "ssh")) == "bad-signature"


async def test_w22_sha1_is_not_served(broker: Broker) -> None:
    """The original's signature is refused while no key lists that scheme."""
    signature = base64.b64encode(
        hmac.digest(b"so-secret", b"1700000000000sshhostname10.1.2.3port22", "sha1")
    ).decode()
    body = (
        f"timestamp=1700000000000&guac.protocol=ssh&guac.hostname=10.1.2.3&guac.port=22&signature={signature}"
    )
    assert await broker.refused(body) == "unknown-key"


# -- keys, passwords, senders ----------------------------------------------------------------------------------------


def ring_of(folder: Path, text: str) -> Path:
    ring = folder / "ring.toml"
    ring.write_text(text)
    return ring


def v1_key(name: str, secret: str, more: str = "") -> str:
    return f'[{name}]\nsecret-text = "{secret}"\nschemes = ["v1"]\n{more}\n'


async def test_w17_a_key_is_taken_off_the_ring_at_once(serve: Any, tmp_path: Path) -> None:
    ring = ring_of(tmp_path, v1_key("leaked", "so-secret") + v1_key("other", "another"))
    async with serve(secret_key="", key_ring=ring) as broker:
        assert (await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))).status == 200
        ring.write_text(v1_key("other", "another"))
        broker.parts.ring.reload()
        broker.clock.now += 1
        assert await broker.refused(broker.platform.body("10.1.2.3", "ssh")) == "bad-signature"


async def test_w17_a_request_is_tried_with_four_keys_at_most(serve: Any, tmp_path: Path) -> None:
    ring = ring_of(
        tmp_path, "".join(v1_key(f"k{n}", f"secret-{n}") for n in range(4)) + v1_key("k4", "so-secret")
    )
    async with serve(secret_key="", key_ring=ring) as broker:
        assert await broker.refused(broker.platform.body("10.1.2.3", "ssh")) == "bad-signature"


async def test_w18_the_password_of_desktops_is_the_site_s_own(serve: Any) -> None:
    """v1 carries one for all: what it is is a setting, and no other is passed on."""
    async with serve(v1_vnc_password="hidden-away") as broker:
        assert await broker.refused(broker.platform.body("10.1.2.3", "vnc")) == "outside-profile"
        desktop = Request("vnc", "10.1.2.3", 5905, "alice", "hidden-away")
        form = v1_form(desktop, "so-secret", round(broker.clock() * 1000))
        assert (await broker.post_form(urlencode(form))).status == 200


async def test_w18_every_instance_may_have_its_own(serve: Any, tmp_path: Path) -> None:
    """A token covers the password, so it can be a different one each time."""
    secret = base64.b64encode(bytes(range(32))).decode()
    ring = ring_of(tmp_path, f'[portal]\nsecret = "{secret}"\nschemes = ["jwt"]\n')
    origin = "https://desk.example"
    async with (
        Guacd(("hostname", "port", "password")) as daemon,
        serve(daemon, key_ring=ring, public_origin=origin) as broker,
    ):
        signer = Signer(f"{origin}/guacamole/", "portal", bytes(range(32)), clock=broker.clock)
        desktop = {"port": "5905", "password": "of-this-one"}
        body = f"jwt={signer.token('vnc', '10.1.2.3', 'alice', desktop, id='abc')}"
        token = (await (await broker.post_form(body)).json())["authToken"]
        query = {**broker.tunnel_query(token), "GUAC_DATA_SOURCE": "jwt"}
        async with broker.client.ws_connect("/guacamole/websocket-tunnel", params=query):
            assert (await daemon.accepted()).parameters["password"] == "of-this-one"


async def test_w21_our_own_clients_insist_on_certificates(tmp_path: Path) -> None:
    """The one of `fanlight sign`, which carries signatures, and the link to proxyd, which carries keys."""
    tls = Address.of("proxyd.example", 4822, secure=True, authority=None).tls
    assert tls is not None
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(new_certificate(tmp_path).path)
    heard: list[bytes] = []

    async def serve_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(serve_tls, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(CommandError, match="does not answer"):
            await redeem(f"https://127.0.0.1:{port}/guacamole", {"signature": "x"})
    assert heard == []


# -- guessing --------------------------------------------------------------------------------------------------------


async def test_a_guess_that_is_nearly_right_takes_no_longer(broker: Broker) -> None:
    """Tokens are found by their hash: the store compares nothing of them, and the time tells nothing."""
    token = await broker.token()
    asked: list[str] = []
    store, get = broker.parts.store, broker.parts.store.get

    async def noting(kind: Kind, key: str) -> bytes | None:
        asked.append(key)
        return await get(kind, key)

    store.get = noting  # type: ignore[method-assign]
    last = "0" if token[-1] != "0" else "1"
    near, far = token[:-1] + last, "0" * 64
    for guess in (near, far):
        assert await broker.parts.sessions.find(guess) is None
    assert asked == [hashlib.sha256(guess.encode()).hexdigest() for guess in (near, far)]
    assert not any(token[:8].lower() in key for key in asked)
    took: dict[str, list[float]] = {near: [], far: []}
    for _ in range(300):
        for guess, times in took.items():
            begun = time.perf_counter()
            await broker.parts.sessions.find(guess)
            times.append(time.perf_counter() - begun)
    nearly, not_at_all = (statistics.median(times) for times in took.values())
    assert 0.5 < nearly / not_at_all < 2.0


def test_every_weakness_has_a_test() -> None:
    """W1 to W23, by name; those of the key ring are in its own file."""
    texts = [path.read_text() for path in Path(__file__).parent.rglob("test_*.py")]
    found = {int(number) for text in texts for number in re.findall(r"def test_w(\d\d)_", text)}
    assert found == set(range(1, 24))
