"""VNC desktops of real servers, seen and used through the instance."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from proxyd.display.ops import Pixels
from proxyd.instances.parameters import Arguments
from proxyd.instances.vnc import VncInstance
from proxyd.wire.status import StatusError
from tests.benchmarks.vnc_loads import video
from tests.fakes.desk import FakeDesk
from tests.servers.blitter import Blitter
from tests.servers.certificates import new_certificate
from tests.servers.qemu import Qemu
from tests.servers.x11vnc import X11Vnc
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from proxyd.display.ops import Op
    from tests.servers.xdisplay import XDisplay

pytestmark = pytest.mark.real

WIDTH, HEIGHT = 640, 480


def new_instance(desk: FakeDesk, port: int, **given: str) -> VncInstance:
    """An instance with parameters whose names have their hyphens as underscores."""
    parameters = {name.replace("_", "-"): value for name, value in given.items()}
    arguments = Arguments(VncInstance.PARAMETERS, {"hostname": "127.0.0.1", "port": str(port), **parameters})
    return VncInstance(arguments, desk)


@contextlib.asynccontextmanager
async def connected(
    port: int, desk: FakeDesk | None = None, **given: str
) -> AsyncIterator[tuple[FakeDesk, VncInstance]]:
    """A desk that shows the desktop behind a port."""
    desk = desk or FakeDesk(WIDTH, HEIGHT)
    instance = new_instance(desk, port, **given)
    async with desk.running(instance) as task:
        await desk.until(lambda: desk.frames or task.done(), "a first frame")
        if task.done():
            await task
        yield desk, instance


def same(one: NDArray[np.uint8], other: NDArray[np.uint8], error: float = 0.0) -> bool:
    """Whether two pictures differ by at most `error` levels a channel on average."""
    return one.shape == other.shape and float(np.abs(one.astype(int) - other).mean()) <= error


async def shows(desk: FakeDesk, server: XDisplay | Qemu, error: float = 0.0) -> None:
    """Wait until the desk shows the server's screen."""
    await desk.until(lambda: same(desk.canvas.picture(), server.screenshot(), error), "the same picture")


async def pasted(server: XDisplay, text: str) -> None:
    """Wait until a program on the server would paste a text."""
    async with asyncio.timeout(15):
        while await asyncio.to_thread(server.pasted) != text:
            await asyncio.sleep(0.05)


def type_text(instance: VncInstance, text: str) -> None:
    for character in text:
        keysym = 0xFF0D if character == "\n" else ord(character)
        keysym = keysym if keysym < 0x100 or keysym == 0xFF0D else 0x01000000 + keysym
        instance.key(keysym, True)
        instance.key(keysym, False)


@pytest.mark.parametrize("security", ["VncAuth", "None", "TLSVnc", "TLSNone"])
async def test_a_desktop_appears_pixel_by_pixel(security: str) -> None:
    with Xvnc(WIDTH, HEIGHT, password="display", security=security) as server:
        server.run("xsetroot", "-mod", "7", "13", "-fg", "orange", "-bg", "navy")
        async with connected(server.port, password="display", force_lossless="true") as (desk, instance):
            instance.pointer(600, 400, 0)
            await shows(desk, server)
            assert desk.titles


@pytest.mark.parametrize("security", ["X509Vnc", "X509None"])
async def test_a_certificate_is_checked_by_authority_or_fingerprint(security: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    certificate, other = new_certificate(tmp_path), new_certificate(tmp_path / "other")
    options = ["-X509Cert", str(certificate.path), "-X509Key", str(certificate.path)]
    with Xvnc(WIDTH, HEIGHT, password="display", security=security, options=options) as server:
        for trust in ({"vnc_authority": certificate.pem}, {"vnc_fingerprint": certificate.fingerprint}, {}):
            async with connected(server.port, password="display", **trust) as (desk, _):
                assert desk.frames
        for trust in ({"vnc_authority": other.pem}, {"vnc_fingerprint": other.fingerprint}):
            with pytest.raises(StatusError, match=r"not trusted|not the pinned one"):
                async with connected(server.port, password="display", **trust):
                    pass


@pytest.mark.parametrize(
    "encodings", ["raw", "copyrect raw", "rre", "hextile", "zlib", "zrle", "tight", "copyrect tight"]
)
async def test_every_encoding_shows_the_same(encodings: str) -> None:
    with Xvnc(WIDTH, HEIGHT) as server:
        async with connected(server.port, encodings=encodings, force_lossless="true") as (desk, instance):
            server.spawn("xterm", "-geometry", "70x20+20+20", "-e", "seq 1 500; exec sleep 60")
            instance.pointer(630, 470, 0)
            await desk.until(lambda: desk.canvas.picture().std() > 50, "text on the screen")
            await shows(desk, server)


@pytest.mark.parametrize("encodings", ["zrle", "hextile", "raw"])
async def test_a_film_is_sent_on_as_jpeg_and_its_last_picture_exactly(encodings: str) -> None:
    with Xvnc(WIDTH, HEIGHT) as server, Blitter(server.display) as blitter:
        frames = video(WIDTH, HEIGHT)
        async with connected(server.port, encodings=encodings) as (desk, instance):
            instance.pointer(630, 470, 0)
            blitter.put(*next(frames))
            await desk.until(lambda: any(map(_is_lossy, desk.frames)), "a lossy picture")
            await shows(desk, server)
            assert not _is_lossy(desk.frames[-1])
        async with connected(server.port, encodings=encodings, force_lossless="true") as (desk, instance):
            instance.pointer(630, 470, 0)
            await shows(desk, server)
            assert not any(map(_is_lossy, desk.frames))


def _is_lossy(frame: Iterable[Op]) -> bool:
    return any(isinstance(op, Pixels) and op.quality for op in frame)


@pytest.mark.parametrize("depth", ["8", "16"])
async def test_fewer_colours_show_about_the_same(depth: str) -> None:
    with Xvnc(WIDTH, HEIGHT) as server:
        server.run("xsetroot", "-solid", "#4080c0")
        async with connected(server.port, color_depth=depth) as (desk, instance):
            instance.pointer(600, 400, 0)
            await shows(desk, server, error=24 if depth == "8" else 4)


async def test_typing_arrives() -> None:
    with Xvnc(WIDTH, HEIGHT, password="display") as server:
        terminal = server.typed()
        async with connected(server.port, password="display") as (desk, instance):
            type_text(instance, "Hello, World! äß€ ok")
            await desk.until(lambda: terminal.text() == "Hello, World! äß€ ok", "what was typed")
            assert desk.hurried


async def test_the_pointer_arrives() -> None:
    with Xvnc(WIDTH, HEIGHT) as server:
        async with connected(server.port) as (desk, instance):
            instance.pointer(123, 45, 0)
            await desk.until(lambda: server.pointer() == (123, 45), "the pointer")


async def test_keys_held_down_are_released_when_the_session_ends() -> None:
    with Xvnc(WIDTH, HEIGHT) as server:
        async with connected(server.port) as (_, instance):
            instance.key(0xFFE3, True)
        terminal = server.typed()
        async with connected(server.port) as (desk, instance):
            type_text(instance, "c")
            await desk.until(lambda: terminal.text() == "c", "a plain c")


async def test_the_clipboard_goes_both_ways_in_unicode() -> None:
    with Xvnc(WIDTH, HEIGHT) as server:
        async with connected(server.port) as (desk, instance):
            server.copy("Grüße, 世界 🙂\nzweite Zeile")
            await desk.until(lambda: desk.clipboards, "a clipboard")
            assert desk.clipboards[-1] == "Grüße, 世界 🙂\nzweite Zeile"
            instance.paste("zurück: 你好 🙂")
            await pasted(server, "zurück: 你好 🙂")


async def test_the_desktop_follows_the_window() -> None:
    with Xvnc(WIDTH, HEIGHT) as server:
        desk = FakeDesk(800, 500)
        async with connected(server.port, desk, force_lossless="true") as (desk, instance):
            await desk.until(lambda: server.size() == (800, 500), "the first size")
            for width in range(810, 900, 10):
                instance.resize(width, 520)
            await desk.until(lambda: server.size() == (890, 520), "the last size")
            instance.pointer(10, 10, 0)
            await shows(desk, server)


async def test_a_desktop_that_must_not_be_resized_is_not() -> None:
    with Xvnc(WIDTH, HEIGHT, options=["-AcceptSetDesktopSize=0"]) as server:
        desk = FakeDesk(800, 500)
        async with connected(server.port, desk, force_lossless="true") as (desk, instance):
            instance.resize(900, 600)
            server.run("xsetroot", "-solid", "red")
            instance.pointer(10, 10, 0)
            await shows(desk, server)
            assert server.size() == (WIDTH, HEIGHT)


async def test_a_joiner_gets_everything() -> None:
    with Xvnc(WIDTH, HEIGHT) as server:
        async with connected(server.port, force_lossless="true") as (desk, instance):
            instance.pointer(600, 400, 0)
            await shows(desk, server)
            desk.canvas.layer(0)[:] = 0
            desk.serve(instance)
            await shows(desk, server)


async def test_the_pointer_has_a_shape_or_is_painted() -> None:
    with Xvnc(WIDTH, HEIGHT) as server:
        server.run("xsetroot", "-cursor_name", "gumby")
        async with connected(server.port) as (desk, instance):
            instance.pointer(50, 50, 0)
            await desk.until(lambda: desk.canvas.pointer and desk.canvas.pointer.width > 5, "a shape")
        async with connected(server.port, cursor="remote", force_lossless="true") as (desk, instance):
            instance.pointer(300, 200, 0)
            await desk.until(
                lambda: len(np.unique(desk.canvas.picture()[190:220, 290:320])) > 1, "a painted pointer"
            )
            assert desk.canvas.pointer
            assert desk.canvas.pointer.width == 5


async def test_red_and_blue_can_be_swapped() -> None:
    with Xvnc(WIDTH, HEIGHT) as server:
        server.run("xsetroot", "-solid", "#ff8000")
        async with connected(server.port, swap_red_blue="true") as (desk, _):
            await desk.until(lambda: list(desk.canvas.picture()[5, 5]) == [0, 0x80, 0xFF], "swapped colours")


async def test_x11vnc_shows_types_points_and_copies() -> None:
    with X11Vnc(WIDTH, HEIGHT, password="display") as server:
        terminal = server.typed()
        async with connected(server.port, password="display", force_lossless="true") as (desk, instance):
            await shows(desk, server)
            type_text(instance, "Hello, x11vnc")
            await desk.until(lambda: terminal.text() == "Hello, x11vnc", "what was typed")
            instance.pointer(200, 100, 0)
            await desk.until(lambda: server.pointer() == (200, 100), "the pointer")
            server.run("xclip", "-selection", "buffer-cut", text="copied text")
            await desk.until(lambda: "copied text" in desk.clipboards, "the text from the server")
            instance.paste("pasted text")
            await desk.until(
                lambda: server.run("xclip", "-o", "-selection", "buffer-cut") == "pasted text",
                "the text there",
            )
            await shows(desk, server)


@pytest.mark.parametrize("encodings", ["", "tightpng", "zrle", "hextile"])
async def test_qemu_shows_and_types(encodings: str) -> None:
    with Qemu(password="display") as server:
        async with connected(server.port, password="display", encodings=encodings, force_lossless="true") as (
            desk,
            instance,
        ):
            await shows(desk, server)
            instance.key(0xFF1B, True)
            instance.key(0xFF1B, False)
            await desk.until(lambda: desk.canvas.picture()[64:112].max() > 0, "the boot menu")
            await shows(desk, server)


@pytest.mark.parametrize("kind", ["x509", "anon"])
async def test_qemu_protects_its_desktop(kind: str, tmp_path: Path) -> None:
    certificate = new_certificate(tmp_path)
    for name in ("ca-cert.pem", "server-cert.pem", "server-key.pem"):
        (tmp_path / name).write_text(certificate.path.read_text())
    check = ",sanity-check=off" if kind == "x509" else ""
    options = ["-object", f"tls-creds-{kind},id=tls,endpoint=server,verify-peer=off,dir={tmp_path}{check}"]
    with Qemu(password="display", vnc=",tls-creds=tls", options=options) as server:
        trust = {"vnc_fingerprint": certificate.fingerprint} if kind == "x509" else {}
        async with connected(server.port, password="display", **trust) as (desk, _):
            await shows(desk, server)


async def test_a_wrong_password_is_named() -> None:
    with Xvnc(WIDTH, HEIGHT, password="display") as server:
        with pytest.raises(StatusError, match="did not accept the password") as caught:
            async with connected(server.port, password="wrong"):
                pass
        assert caught.value.hop.value == "desktop"
        assert caught.value.status.name == "CLIENT_UNAUTHORIZED"


async def test_a_missing_password_is_asked_for() -> None:
    with Xvnc(WIDTH, HEIGHT, password="display") as server:
        desk = FakeDesk(WIDTH, HEIGHT)
        desk.answers = {"password": "display"}
        async with connected(server.port, desk) as (desk, _):
            assert desk.frames


async def test_a_server_that_goes_away_ends_the_session() -> None:
    with Xvnc(WIDTH, HEIGHT) as server:
        desk = FakeDesk(WIDTH, HEIGHT)
        async with desk.running(new_instance(desk, server.port)) as task:
            await desk.until(lambda: desk.frames, "a first frame")
            server.close()
            await asyncio.wait([task], timeout=10)
            error = task.exception()
    assert "ended the session" in str(error)
