"""A web tier without a daemon behind it: serves the real page, answers its requests, and paints as a script says."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import threading
import time
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from broker.webapp import Webapp, default_folder
from proxyd.wire.instruction import BLOB_BYTES, Instruction, InstructionParser, encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path
    from typing import Self

    from PIL import Image

    Script = Callable[["Line"], Awaitable[None]]

__all__ = ["Line", "WebTier", "client_link"]

TOKEN = "A" * 64
SHARE_KEY = "K" * 44
SOURCE = "hmac"
TUNNEL_ID = "7k2a0000-0000-4000-8000-000000000000"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; frame-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'"
)


def client_link(base: str, identifier: str, token: str = TOKEN) -> str:
    """The address that a portal sends a person to."""
    target = base64.b64encode(f"{identifier}\0c\0{SOURCE}".encode()).decode()
    return f"{base}#/client/{target}?token={token}"


class Line:
    """The server's end of one tunnel."""

    def __init__(self, socket: web.WebSocketResponse, query: dict[str, str]) -> None:
        self.socket = socket
        self.query = query
        self.width, self.height = int(query["GUAC_WIDTH"]), int(query["GUAC_HEIGHT"])
        self.received: list[Instruction] = []
        self.ended = False
        self._inbox: asyncio.Queue[Instruction | None] = asyncio.Queue()
        self._clock = 0

    async def send(self, *elements: str | int) -> None:
        await self.socket.send_str(encode(*elements).decode())

    async def stream(self, index: int, data: bytes, opcode: str, *arguments: str | int) -> None:
        """Open a stream, send everything, end it."""
        await self.send(opcode, index, *arguments)
        for offset in range(0, len(data), BLOB_BYTES):
            await self.send("blob", index, base64.b64encode(data[offset : offset + BLOB_BYTES]).decode())
        await self.send("end", index)

    async def paint(self, picture: Image.Image, layer: int = 0, x: int = 0, y: int = 0) -> None:
        """Draw a picture, without ending the frame."""
        encoded = io.BytesIO()
        picture.save(encoded, "PNG")
        await self.stream(1, encoded.getvalue(), "img", 14, layer, "image/png", x, y)

    async def sync(self) -> None:
        self._clock += 1
        await self.send("sync", self._clock, 1)

    async def receive(self) -> Instruction | None:
        """The next thing the person did; None at the end."""
        return await self._inbox.get()

    async def end(self, status: int, text: str) -> None:
        """End with an error instruction, as daemons do."""
        await self.send("error", text, status)
        await self.send("disconnect")

    def drop(self) -> None:
        """Lose the network: no closing handshake, no word."""
        transport = self.socket._req.transport if self.socket._req is not None else None
        if transport is not None:
            transport.abort()

    async def listen(self) -> None:
        """Answer pings, remember the rest."""
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                for instruction in InstructionParser().feed(message.data.encode()):
                    if instruction.opcode == "" and instruction.args[:1] == ("ping",):
                        await self.send("", *instruction.args)
                    elif instruction.opcode not in {"nop", ""}:
                        self.received.append(instruction)
                        self._inbox.put_nowait(instruction)
        self.ended = True
        self._inbox.put_nowait(None)


class WebTier:
    """Runs in a thread of its own, for tests that drive a browser.

    Attributes:
        url: address of the page, with a trailing slash.
        scripts: what happens on a tunnel, by connection identifier.
        connections: what the token opens: protocol by identifier.
        lines: every tunnel so far.
        requests: method and path of every request so far.
        refusal: when set, the sentence with which tokens are refused.
        config: what the page is told.
        delay: seconds before a token is answered.
        blocks_websockets: refuse to upgrade, as some proxies do.
        language: of the page.
        patch: what a theme does to the page.
        profiles: what links to a session may permit.
        links: what the broker tells of links to sessions.
        recordings: of earlier sessions, by file name.
        read_only: connections that may be looked at only.
        gate: what the gate says of instances, by connection: attributes of its description.
        orders: every command that was to be run.
        operator: what the operator's page is answered, by path below `api/operator/`.
        commands: answers such an order with lines, and holds them back as long as it likes.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.scripts: dict[str, Script] = {}
        self.connections: dict[str, str] = {}
        self.lines: list[Line] = []
        self.requests: list[tuple[str, str]] = []
        self.refusal: tuple[int, str] | None = None
        self.delay = 0.0
        self.blocks_websockets = False
        self.language = "en"
        self.recordings: dict[str, bytes] = {}
        self.read_only: set[str] = set()
        self.gate: dict[str, dict[str, str]] = {}
        self.operator: dict[str, Any] = {}
        self.orders: list[dict[str, Any]] = []
        self.commands: Callable[[dict[str, Any]], AsyncIterator[dict[str, Any]]] | None = None
        self.links: list[dict[str, Any]] = []
        self.profiles: tuple[str, ...] = ("watch", "control")
        self.patch: Callable[[str], str] = lambda page: page
        self.config: dict[str, Any] = {
            "name": "Example University",
            "version": "0.1.0",
            "portal_url": "https://portal.example.org/",
            "portal_name": "the portal",
            "help_url": "https://help.example.org/",
            "help_name": "Help from Example University",
            "banner": "",
        }
        self.url = ""
        self._folder = folder or default_folder()
        self._webapp = Webapp(self._folder)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="web tier", daemon=True)
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self.call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def call(self, work: Any) -> Any:
        """Run something on the tier's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    def soon(self, function: Callable[[], object]) -> None:
        """Call something on the tier's loop."""
        self._loop.call_soon_threadsafe(function)

    def link(self, identifier: str, token: str = TOKEN) -> str:
        return client_link(self.url, identifier, token)

    async def _start(self) -> None:
        app = web.Application(middlewares=[self._remember])
        prefix = "/guacamole/"
        data = f"{prefix}api/session/data/{SOURCE}/"
        active = f"{prefix}api/session/tunnels/{TUNNEL_ID}/activeConnection/"
        app.add_routes(
            [
                web.get(prefix, self._page),
                web.post(prefix + "api/tokens", self._tokens),
                web.delete(prefix + "api/session", self._forget),
                web.get(prefix + "api/languages", self._languages),
                web.get(data + "connectionGroups/ROOT/tree", self._tree),
                web.get(data + "connections/{identifier}", self._connection),
                web.post(data + "commands", self._commands),
                web.get(data + "history/connections", self._history),
                web.get(data + "history/connections/{identifier}/logs/{name}", self._recording),
                web.get(active + "connection/sharingProfiles", self._profiles),
                web.get(active + "sharingCredentials/{profile}", self._share),
                web.get(active + "sharingCredentials", self._links),
                web.delete(active + "sharingCredentials", self._stop_sharing),
                web.delete(active + "sharingCredentials/{identifier}", self._stop_sharing),
                web.get(prefix + "websocket-tunnel", self._tunnel),
                web.get(prefix + "error-page", self._error),
                web.get(prefix + "operator", self._operators_page),
                web.get(prefix + "api/operator/{path:.+}", self._operators_answer),
                web.static(prefix, self._folder / "dist"),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}{prefix}"

    async def _stop(self) -> None:
        for line in self.lines:
            line.drop()
        if self._runner is not None:
            await self._runner.cleanup()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    @web.middleware
    async def _remember(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs))
        response: web.StreamResponse = await handler(request)
        return response

    def _html(self, template: str, **more: str) -> web.Response:
        text = self.patch(self._webapp.render(template, "/guacamole/", self.language, self.config, **more))
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    async def _page(self, _: web.Request) -> web.Response:
        return self._html("page.html")

    async def _error(self, _: web.Request) -> web.Response:
        sentence = "It was used before, or is older than 10 minutes."
        return self._html("error.html", title="This link is no longer valid", sentence=sentence, code="")

    async def _operators_page(self, _: web.Request) -> web.Response:
        return self._html("operator.html")

    async def _operators_answer(self, request: web.Request) -> web.Response:
        return web.json_response(self.operator[request.match_info["path"]])

    async def _tokens(self, request: web.Request) -> web.Response:
        form = await request.post()
        await asyncio.sleep(self.delay)
        status, message = self.refusal or (403, "This link is not valid.")
        known = form.get("token") == TOKEN or form.get("key") == SHARE_KEY
        known = known or (form.get("session") == "cookie" and bool(self.operator))
        if self.refusal is not None or not known:
            return web.json_response({"message": message, "type": "INVALID_CREDENTIALS"}, status=status)
        return web.json_response(
            {"authToken": TOKEN, "username": "alice", "dataSource": SOURCE, "availableDataSources": [SOURCE]}
        )

    async def _forget(self, _: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _languages(self, _: web.Request) -> web.Response:
        folder = self._folder / "dist" / "translations"
        names = {path.stem: json.loads(path.read_text())["NAME"] for path in folder.glob("*.json")}
        return web.json_response(names)

    async def _connection(self, request: web.Request) -> web.Response:
        identifier = request.match_info["identifier"]
        return web.json_response(self._described(identifier))

    async def _tree(self, _: web.Request) -> web.Response:
        children = [self._described(identifier) for identifier in self.connections]
        return web.json_response({"childConnections": children, "childConnectionGroups": []})

    async def _profiles(self, _: web.Request) -> web.Response:
        return web.json_response({name: {"identifier": name} for name in self.profiles})

    async def _share(self, request: web.Request) -> web.Response:
        expires = (time.time() + 60 * int(request.query.get("minutes", "480"))) * 1000
        link = {
            "identifier": f"link-{len(self.links)}",
            "profile": request.match_info["profile"],
            "expires": round(expires),
            "uses": None,
        }
        self.links.append(link)
        return web.json_response({"values": {"key": SHARE_KEY}, **link})

    async def _links(self, _: web.Request) -> web.Response:
        return web.json_response(self.links)

    async def _stop_sharing(self, request: web.Request) -> web.Response:
        only = request.match_info.get("identifier")
        self.links[:] = [link for link in self.links if only not in {None, link["identifier"]}]
        return web.Response(status=204)

    async def _history(self, _: web.Request) -> web.Response:
        def row(number: int, name: str, data: bytes) -> dict[str, Any]:
            kind = "ASCIICAST" if data.startswith(b"{") else "GUACAMOLE_SESSION_RECORDING"
            start = 1_763_800_000_000 - number * 3_600_000
            logs = {name: {"type": kind}}
            return {"identifier": f"id{number}", "connectionName": name, "startDate": start, "logs": logs}

        return web.json_response(
            [row(number, *item) for number, item in enumerate(self.recordings.items())]
            + [{"identifier": "none", "connectionName": "unrecorded", "startDate": 0, "logs": {}}]
        )

    async def _commands(self, request: web.Request) -> web.StreamResponse:
        order = await request.json()
        self.orders.append(order)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        assert self.commands is not None
        async for event in self.commands(order):
            await response.write(json.dumps(event).encode() + b"\n")
        return response

    async def _recording(self, request: web.Request) -> web.Response:
        return web.Response(body=self.recordings[request.match_info["name"]])

    def _described(self, identifier: str) -> dict[str, Any]:
        protocol = self.connections.get(identifier, "vnc")
        read_only = {"read-only": "true"} if identifier in self.read_only else {}
        attributes = read_only | self.gate.get(identifier, {})
        return {
            "name": identifier,
            "identifier": identifier,
            "protocol": protocol,
            "activeConnections": 0,
            "attributes": attributes,
        }

    async def _tunnel(self, request: web.Request) -> web.StreamResponse:
        if self.blocks_websockets:
            return web.Response(status=403)
        socket = web.WebSocketResponse(protocols=["guacamole"])
        await socket.prepare(request)
        line = Line(socket, dict(request.query))
        self.lines.append(line)
        listening = asyncio.create_task(line.listen())
        await line.send("", TUNNEL_ID)
        with contextlib.suppress(ConnectionError):  # the person left
            await self.scripts[request.query["GUAC_ID"]](line)
        await listening
        return socket
