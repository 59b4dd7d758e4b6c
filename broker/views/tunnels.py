"""Open tunnels and the files that go through them: `api/session/tunnels` (sheet 9.2, 6.3)."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import hdrs, web

from broker.access import Route, by_token
from broker.errors import ApiError, denied, not_found
from broker.parts import PARTS, SESSION
from broker.sharing import PROFILES, share_name
from proxyd.wire.status import StatusError

if TYPE_CHECKING:
    from broker.tunnel import Tunnel

__all__ = ["ROUTES"]

OCTETS = "application/octet-stream"
_MIMETYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,63}", re.ASCII | re.IGNORECASE)
MAX_NAME = 255


def _tunnel(request: web.Request) -> Tunnel:
    """The tunnel in the path, if it is the session's own."""
    tunnel = request.app[PARTS].sessions.tunnel(request.match_info["tunnel"])
    if tunnel is None:
        request.app[PARTS].gateway.check_running()  # it may be at another broker
    if tunnel is None or tunnel.session.token_hash != request[SESSION].token_hash:
        raise not_found("tunnel")
    return tunnel


def _index(request: web.Request) -> int:
    index = request.match_info["index"]
    if not (index.isascii() and index.isdigit() and len(index) <= 9):
        raise ApiError(400, "The index of a stream is a number.")
    return int(index)


async def tunnels(request: web.Request) -> web.Response:
    """`api/session/tunnels`: identifiers."""
    own = request.app[PARTS].sessions.tunnels(request[SESSION].token_hash)
    return web.json_response([tunnel.identifier for tunnel in own])


async def protocol(request: web.Request) -> web.Response:
    """`…/protocol`: its name; parameters are the platform's, so there are no forms."""
    name = _tunnel(request).connection.protocol
    return web.json_response({"name": name, "connectionForms": [], "sharingProfileForms": []})


async def download(request: web.Request) -> web.StreamResponse:
    """`GET …/streams/{index}/{filename}`: a file that the daemon offers. It is saved, never shown."""
    tunnel = _tunnel(request)
    mimetype = request.query.get("type", OCTETS)
    if not _MIMETYPE.fullmatch(mimetype):
        raise ApiError(400, "The type of a file is written like text/plain.")
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: mimetype,
            hdrs.CONTENT_DISPOSITION: _attachment(request.match_info["filename"]),
            "Content-Security-Policy": "sandbox",
            "X-Accel-Buffering": "no",
        }
    )
    try:
        async with aclosing(tunnel.streams.download(_index(request))) as pieces:
            async for piece in pieces:
                if not response.prepared:
                    await response.prepare(request)
                await response.write(piece)
    except StatusError:
        if not response.prepared:
            raise
        if request.transport is not None:
            request.transport.abort()  # a file that is cut short must not look whole
        return response
    if not response.prepared:
        await response.prepare(request)
    await response.write_eof()
    return response


def _attachment(name: str) -> str:
    """A header that saves under this name; what is not plain travels encoded (RFC 6266)."""
    clean = re.sub(r"[\\/\x00-\x1f\x7f]+", "_", name)[:MAX_NAME] or "download"
    plain = re.sub(r'[^ -~]|["\\%]', "_", clean)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(clean, safe='')}"


async def upload(request: web.Request) -> web.Response:
    """`POST …/streams/{index}/{filename}`: a file for a stream that the browser has opened, or a part of it."""
    await _tunnel(request).streams.upload(_index(request), request.content.iter_any())
    return web.Response(status=204)


def _profiles(request: web.Request, tunnel: Tunnel) -> dict[str, str]:
    """What may be shared: less where the site or the connection says so, nothing by those who came through a link."""
    most = request.app[PARTS].settings.sharing
    if most == "off" or tunnel.connection.share:
        return {}
    if most == "watch" or tunnel.connection.parameters.get("read-only") == "true":
        return {"watch": PROFILES["watch"]}
    return PROFILES


async def sharing_profiles(request: web.Request) -> web.Response:
    """`…/sharingProfiles`: what a link to this session may permit."""
    tunnel = _tunnel(request)
    return web.json_response(
        {
            identifier: {
                "identifier": identifier,
                "name": name,
                "primaryConnectionIdentifier": tunnel.connection.identifier,
                "attributes": {},
            }
            for identifier, name in _profiles(request, tunnel).items()
        }
    )


async def share(request: web.Request) -> web.Response:
    """`…/sharingCredentials/{profile}`: a new link, good for `minutes` or as long as the site permits, `uses` times."""
    tunnel = _tunnel(request)
    profile = request.match_info["profile"]
    if profile not in _profiles(request, tunnel):
        raise denied()
    longest = request.app[PARTS].settings.share_minutes
    minutes = min(_count(request, "minutes", longest), longest)
    uses = _count(request, "uses", 0) if "uses" in request.query else 0
    made = await request.app[PARTS].sharing.share(tunnel, profile, minutes * 60.0, uses)
    if made is None:
        raise ApiError(429, "This session has too many links.")
    key, expires = made
    return web.json_response(
        {
            "expected": [{"name": "key", "type": "QUERY_PARAMETER"}],
            "values": {"key": key},
            "expires": round(expires * 1000),
            "identifier": share_name(key),
        }
    )


async def shared(request: web.Request) -> web.Response:
    """`…/sharingCredentials`: the links to this session; their keys are kept nowhere."""
    return web.json_response(
        [
            {**link._asdict(), "expires": round(link.expires * 1000), "uses": link.uses or None}
            for link in await request.app[PARTS].sharing.links(_tunnel(request))
        ]
    )


def _count(request: web.Request, name: str, default: int) -> int:
    """A parameter that is a number from one on."""
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text)):
        raise ApiError(400, f"{name} is a number from 1 on.")
    return int(text)


async def stop_sharing(request: web.Request) -> web.Response:
    """`DELETE …/sharingCredentials`: every link to this session is over, for those who came through one as well."""
    await request.app[PARTS].sharing.revoke(_tunnel(request))
    return web.Response(status=204)


async def stop_one(request: web.Request) -> web.Response:
    """`DELETE …/sharingCredentials/{profile}`: one link is over, by the `identifier` that came with it."""
    if not await request.app[PARTS].sharing.revoke(_tunnel(request), request.match_info["profile"]):
        raise not_found("link")
    return web.Response(status=204)


_ACTIVE = "api/session/tunnels/{tunnel}/activeConnection"
_STREAM = "api/session/tunnels/{tunnel}/streams/{index}/{filename}"

ROUTES = (
    Route(hdrs.METH_GET, "api/session/tunnels", tunnels, by_token),
    Route(hdrs.METH_GET, "api/session/tunnels/{tunnel}/protocol", protocol, by_token),
    Route(hdrs.METH_GET, f"{_ACTIVE}/connection/sharingProfiles", sharing_profiles, by_token),
    Route(hdrs.METH_GET, f"{_ACTIVE}/sharingCredentials/{{profile}}", share, by_token),
    Route(hdrs.METH_GET, f"{_ACTIVE}/sharingCredentials", shared, by_token),
    Route(hdrs.METH_DELETE, f"{_ACTIVE}/sharingCredentials", stop_sharing, by_token),
    Route(hdrs.METH_DELETE, f"{_ACTIVE}/sharingCredentials/{{profile}}", stop_one, by_token),
    Route(hdrs.METH_GET, _STREAM, download, by_token),
    Route(hdrs.METH_POST, _STREAM, upload, by_token),
)
