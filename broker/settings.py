"""The broker's settings: one frozen model, read once. Where values come from is `proxyd.sources`.

Field names and descriptions are the settings reference: docs/reference/settings.md is generated from them.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from proxyd.wire.targets import Network, Target, parse_target

__all__ = ["Network", "Networks", "Settings", "Target", "TargetList", "Words", "key_options", "parse_target"]


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _split(value: Any) -> Any:
    """`a, b` as written in a properties file or the environment; TOML has real lists."""
    if isinstance(value, str):
        return [part for part in re.split(r",\s*", value.strip()) if part]
    return value


def _pairs(value: Any) -> Any:
    """`ssh=22,vnc=5905`."""
    if not isinstance(value, str):
        return value
    parts = [part.partition("=") for part in _split(value)]
    if not all(separator for _, separator, _ in parts):
        raise ValueError("should look like ssh=22,vnc=5905")
    return {name.strip(): number.strip() for name, _, number in parts}


def _protocols(ports: dict[str, int]) -> dict[str, int]:
    if not ports.keys() <= {"ssh", "vnc"}:
        raise ValueError("names a protocol that is neither ssh nor vnc")
    return ports


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?", text):
        raise ValueError(
            "an origin is written like https://portal.example.org, in lower case, without a path"
        )
    return re.sub(r"(?<=^http):(//.*):80$|(?<=^https):(//.*):443$", r":\1\2", text)


def _network(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("a network is written like 10.0.0.0/8") from None


def _target(value: Any) -> Any:
    return parse_target(value) if isinstance(value, str) else value


def _bind(text: str) -> str:
    _, colon, port = text.rpartition(":")
    is_path = text.startswith("unix:") and len(text) > len("unix:")
    if not is_path and not (colon and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError("an address is written like 127.0.0.1:8080, [::1]:8080 or unix:/run/broker.sock")
    return text


def _base_path(text: str) -> str:
    if not re.fullmatch(r"/([A-Za-z0-9._~-]+/)*", text) or "/./" in text or "/../" in text:
        raise ValueError("a base path begins and ends with a slash, like /guacamole/")
    return text


def _user_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return text


_KEY_OPTION = r'[A-Za-z][A-Za-z0-9-]*(?:="(?:[^"\\\x00-\x1f\x7f]|\\(?!["\x00-\x1f])|\\")*")?'


def key_options(text: str) -> str:
    """Options before a key in `authorized_keys`, read as sshd does: blanks only in quotes, never a line's end.

    Raises:
        ValueError: they would make another line of it.
    """
    if text and (len(text) > 1024 or not re.fullmatch(f"{_KEY_OPTION}(?:,{_KEY_OPTION})*", text, re.ASCII)):
        raise ValueError('options of a key are written like restrict,pty,from="10.0.0.0/8"')
    return text


def _hexadecimal(value: Any) -> Any:
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9A-Fa-f]{32}", value.strip()):
            raise ValueError("is not 32 hexadecimal digits")
        return bytes.fromhex(value.strip())
    return value


def _log_level(text: Any) -> Any:
    """Guacamole knows two more words."""
    return {"warn": "warning", "trace": "debug"}.get(text, text)


def _web_address(text: str) -> str:
    if text and not re.match(r"(https?://|mailto:)", text):
        raise ValueError("an address begins with https:// or mailto:")
    return text


def _http_url(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise ValueError(
            "an address is written like https://portal.example.org/gate, without a user or a query"
        )
    return text.rstrip("/")


def _absolute(path: Path) -> Path:
    return path.expanduser()


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], BeforeValidator(_split)]
Networks = Annotated[tuple[Annotated[Network, BeforeValidator(_network)], ...], BeforeValidator(_split)]
TargetList = Annotated[tuple[Annotated[Target, BeforeValidator(_target)], ...], BeforeValidator(_split)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Bind = Annotated[str, AfterValidator(_bind)]
Ports = Annotated[
    dict[str, Annotated[int, Field(ge=1, le=65535)]], BeforeValidator(_pairs), AfterValidator(_protocols)
]
JsonSecret = Annotated[bytes, BeforeValidator(_hexadecimal)]
FilePath = Annotated[Path, AfterValidator(_absolute)]


class Settings(BaseModel):
    """What the broker can be told."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=_kebab, populate_by_name=True, hide_input_in_errors=True
    )

    # -- where it listens
    bind: Bind = Field("127.0.0.1:8080", description="Where the broker listens: `HOST:PORT` or `unix:PATH`.")
    base_path: Annotated[str, AfterValidator(_base_path)] = Field(
        "/guacamole/", description="The path under which everything is served; `/` redirects there."
    )
    metrics_bind: Literal[""] | Bind = Field(
        "127.0.0.1:9090", description="Where Prometheus metrics are served; empty switches them off."
    )
    trusted_proxies: Networks = Field(
        (),
        description="Networks of front proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    )
    allowed_origins: Origins = Field(
        (),
        description="Origins besides our own that may open sockets, call the interface and embed the page, "
        "like `https://portal.example.org`.",
    )
    drain_timeout: float = Field(
        5.0,
        ge=0,
        le=86400,
        description="Seconds that open tunnels are given to end by themselves on SIGTERM.",
    )
    max_tunnels: int = Field(5000, ge=1, description="Open tunnels; more are refused as busy.")

    # -- the daemon
    guacd_hostname: str = Field(
        "localhost",
        description="Host of proxyd (or guacd), or `unix:PATH` of its socket. Several are listed with commas, each with a "
        "port of its own where it has one: a new session goes to the one with most room.",
    )
    guacd_port: int = Field(4822, ge=1, le=65535, description="Port of proxyd.")
    guacd_ssl: bool = Field(default=False, description="Speak TLS to proxyd.")
    guacd_ca: FilePath | None = Field(
        None,
        description="PEM file with the authority or certificate of proxyd; the system's where not given.",
    )
    guacd_certificate: FilePath | None = Field(
        None, description="PEM file with our own certificate, for a proxyd that wants to know who calls."
    )
    guacd_key: FilePath | None = Field(
        None, description="PEM file with its private key; where not given, the certificate's file holds it."
    )
    allow_insecure_proxyd: bool = Field(
        default=False, description="Let private keys cross plain TCP to a proxyd on another host."
    )

    gateways: FilePath | None = Field(
        None,
        description="TOML file of SSH gateways that instances are behind, and which instances those are; "
        "read again on SIGHUP.",
    )
    connector_bind: Literal[""] | Bind = Field(
        "",
        description="A plain TCP port for connectors of private networks, `HOST:PORT`, beside the WebSocket below the base "
        "path that is always there; empty opens none. What travels there is SSH.",
    )

    connector_releases: FilePath | None = Field(
        None,
        description="Folder with a release for connectors, signed by `fanlight network release`; served below `connector/`.",
    )

    # -- signed links
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="The secret that the platform signs v1 links with; used as it stands, in UTF-8.",
    )
    key_ring: FilePath | None = Field(
        None, description="File of keys with their limits, TOML or JSON; read again when it changes."
    )
    timestamp_age_limit: int = Field(
        600_000, ge=0, le=86_400_000, description="Milliseconds that a v1 link is good for."
    )
    allow_unlimited_age: bool = Field(
        default=False, description="Accept `timestamp-age-limit: 0`, which makes v1 links never expire."
    )
    json_secret_key: JsonSecret | None = Field(
        None,
        repr=False,
        description="128-bit key of encrypted JSON (guacamole-auth-json), as 32 hexadecimal digits.",
    )
    json_trusted_networks: Networks = Field(
        (), description="Networks from which encrypted JSON is taken; empty means any."
    )
    clock_skew: float = Field(
        30.0, ge=0, le=300, description="Seconds that a signed timestamp may lie in the future."
    )
    public_origin: Literal[""] | Annotated[str, AfterValidator(_origin)] = Field(
        "",
        description="Our own origin as people see it, like `https://desk.example.org`: the audience of tokens.",
    )
    jwt_max_lifetime: float = Field(
        120.0, gt=0, le=86400, description="Seconds that a signed token may be valid for."
    )
    default_protocol: Literal["", "ssh", "vnc", "rdp"] = Field(
        "", description="Protocol of a v1 link that names none; only `ssh` and `vnc` can be opened."
    )
    v1_ports: Ports = Field(
        {"ssh": 22, "vnc": 5905}, description="The one port of each protocol in v1 links: `ssh=22,vnc=5905`."
    )
    v1_vnc_password: SecretStr = Field(
        SecretStr("display"), description="The one VNC password that v1 links carry."
    )
    v1_username: Annotated[str, AfterValidator(_user_pattern)] = Field(
        r"[a-z_][a-z0-9_.-]{0,31}",
        description="User names in v1 links; a regular expression matched in full.",
    )
    v1_ambiguity: Literal["profile", "strict"] = Field(
        "profile",
        description="`profile`: names begin with a letter or `_`, so that a v1 message has one meaning. "
        "`strict`: names may begin with a digit, and a message with two meanings is refused.",
    )
    allowed_targets: TargetList = Field(
        (parse_target("0.0.0.0/0:22+5900-5999"), parse_target("[::/0]:22+5900-5999")),
        description="Networks and ports that may be opened: `10.0.0.0/8:22+5905, [2001:db8::/32]:*`. Loopback, "
        "link-local and the broker's own addresses only where they are listed themselves.",
    )

    # -- keys of users
    use_local_privkey: bool = Field(
        default=False, description="Sign in with the user's private key out of `key-directory`."
    )
    key_directory: FilePath = Field(
        Path("/etc/guacamole/keys"), description="Holds a folder for each user, with the key files in it."
    )
    key_names: Words = Field(
        ("id_ed25519_guac", "id_ecdsa_guac", "id_rsa_guac"),
        description="Names of key files, in the order in which they are tried.",
    )
    key_group: str = Field("", description="A group that may read key files (mode 0640) besides their owner.")
    require_privkey: bool = Field(
        default=False,
        description="Refuse a user without a key file; otherwise the instance asks for a password.",
    )

    authorized_key_options: Annotated[str, AfterValidator(key_options)] = Field(
        "restrict,pty",
        description="Options before users' keys in the lines that instances are served, as in `authorized_keys`; worth "
        'adding is `from="ADDRESSES"` with those of proxyd.',
    )

    # -- sessions
    api_session_timeout: int = Field(
        60, ge=1, le=10080, description="Minutes without activity after which a token dies."
    )
    api_max_request_size: int = Field(
        2_097_152, ge=0, description="Bytes of a request body that the interface takes; 0 is no limit."
    )
    store: str = Field(
        "sqlite:///~/.local/state/fanlight/broker.sqlite",
        description="Where tokens, used signatures and history are kept: `sqlite:///PATH` or `redis://HOST:PORT/0`.",
    )

    detach_timeout: int = Field(
        900,
        ge=0,
        le=604800,
        description="Seconds that a session is kept while its owner is away; 0 ends it with its last window. A "
        "connection's parameter of this name goes before it, and a key's `params-forced` before both.",
    )
    max_detached_per_user: int = Field(
        5, ge=0, description="Sessions of one person that are kept while away; beyond, the oldest end."
    )

    ban_after: int = Field(
        10,
        ge=0,
        description="Refused requests of one address or user that are forgiven within ten minutes; each one more "
        "doubles a ban that begins at a second. 0 bans nobody.",
    )
    ban_longest: float = Field(3600.0, ge=1, le=86400, description="Seconds of the longest ban.")

    sharing: Literal["off", "watch", "control"] = Field(
        "control", description="What links to a running session may permit at most."
    )
    share_minutes: int = Field(
        240, ge=1, le=10080, description="Minutes that such a link is good for at most."
    )

    recording_search_path: str = Field(
        "",
        description="Folder of recordings that people may play on the page, each those of their own sessions. proxyd writes "
        "them there with `recording-path` or `typescript-path`, and `${HISTORY_UUID}` in the name.",
    )

    # -- the instance gate
    gate_bind: Literal[""] | Bind = Field(
        "",
        description="Where the gate listens at which instances report, `HOST:PORT` or `unix:PATH`; empty is off. Where it is "
        "not given, the `:host` and `:port` of `gate-config` hold.",
    )
    gate_config: FilePath | None = Field(
        None,
        description="An `onegate-server.conf` whose keys are taken; settings that are given go before it. Read again on SIGHUP, "
        "but for where the gate listens and its tokens for a core.",
    )
    gate_url: HttpUrl = Field(
        "", description="The gate's address as instances have it, like `https://gate.example.org:5030`."
    )
    gate_permissions: Words = Field(
        ("vm.show", "vm.update", "vm.show_by_id", "service.show", "vrouter.show", "vnet.show_by_id"),
        description="What instances may ask for. There are also `vm.update_by_id`, `vm.action_by_id` and "
        "`service.change_cardinality`, all three on others of their service or virtual router.",
    )
    gate_restricted_attrs: Words = Field(
        ("SCHED_REQUIREMENTS", "SERVICE_ID", "ROLE_NAME"),
        description="Attributes that no instance may set or erase, besides what begins with `BROKER_` and is not known.",
    )
    gate_restricted_actions: Words = Field(
        ("reboot",), description="Actions that are refused even where `vm.action_by_id` is permitted."
    )
    gate_vnet_attributes: Words = Field(
        (
            "NETWORK_ADDRESS", "NETWORK_MASK", "GATEWAY", "GATEWAY6", "DNS", "GUEST_MTU", "METRIC", "IP6_METRIC",
            "SEARCH_DOMAIN",
        ),
        description="Attributes of a virtual network that its virtual routers are shown.",
    )  # fmt: skip
    gate_legacy_tokens: bool = Field(
        default=False, description="Take tokens of an older gate that were taken over (`fanlight instance`)."
    )
    gate_proxy_protocol: Networks = Field(
        (),
        description="Networks of proxies whose connections to the gate begin with a PROXY protocol header, version 2; from "
        "there it is required, from elsewhere it is not understood.",
    )
    gate_rate: float = Field(
        5.0,
        ge=0,
        le=1000,
        description="Requests a second of one instance at the gate, after as many at once as in 20 seconds; an address has "
        "ten times as much room for requests without a good token. 0 is no limit.",
    )
    gate_core_url: HttpUrl = Field(
        "",
        description="Where the platform takes what instances ask to be done: actions, and another size of a role. It gets a "
        "POST of JSON with a bearer token.",
    )
    gate_core_key: SecretStr = Field(
        SecretStr(""), description="The secret with which these tokens are signed (HS256), 32 bytes at least."
    )
    gate_expire_delta: int = Field(
        1800,
        ge=1,
        le=86400,
        description="Seconds that these tokens are good for; all of that time they have one timestamp. Not less than the "
        "margin.",
    )
    gate_expire_margin: int = Field(
        300, ge=0, le=86400, description="Seconds before their end at which new ones are made."
    )
    gate_patience: float = Field(
        600.0,
        ge=0,
        le=86400,
        description="Seconds for which people wait for an instance that starts. Then one that has said nothing at the gate yet, or "
        "whose desktop does not run yet, is tried anyway; one that still says `READY=NO` is not, until it says something else.",
    )
    reported_ports: bool = Field(
        default=False,
        description="Open the ports that instances report at the gate, for links of `secret-key` and `json-secret-key`; a key "
        "of the key ring says so itself.",
    )

    # -- the page
    site_name: str = Field("Fanlight", description="Name of the institution or site, on every page.")
    portal_url: Annotated[str, AfterValidator(_web_address)] = Field(
        "", description="Where people open sessions; pages that cannot go on lead there."
    )
    portal_name: str = Field("", description="What that portal is called.")
    help_url: Annotated[str, AfterValidator(_web_address)] = Field("", description="Where people find help.")
    help_name: str = Field("", description="What that help is called.")
    banner: str = Field("", description="A line of text above every page.")

    # -- extensions
    extension_directory: FilePath = Field(
        Path("/etc/guacamole/extensions"),
        description="Holds extensions, themes above all: folders, `.jar` and `.zip` files with a "
        "`guac-manifest.json`. Read again when something in it changes.",
    )
    extension_priority: Words = Field(
        (),
        description="Namespaces of extensions in the order in which they take effect, the last one winning; `*` stands "
        "for all others, which follow by file name.",
    )

    history_days: int = Field(
        90, ge=0, le=3650, description="Days that it is known who opened what and when; 0 keeps nothing."
    )

    # -- telling
    log_level: Annotated[Literal["error", "warning", "info", "debug"], BeforeValidator(_log_level)] = Field(
        "info", description="Lines below are dropped."
    )
    log_format: Literal["text", "json"] = Field("text", description="How log lines are written.")

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.timestamp_age_limit == 0 and not self.allow_unlimited_age:
            raise ValueError(
                "timestamp-age-limit is 0: links would never expire; allow-unlimited-age permits it"
            )
        return self
