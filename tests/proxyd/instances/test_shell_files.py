from __future__ import annotations

from proxyd.instances.parameters import Arguments
from proxyd.instances.shell_files import ShellFiles
from proxyd.instances.ssh_parameters import PARAMETERS
from proxyd.terminal.events import PipeClosed, PipeData, PipeFlag, PipeOpened
from tests.fakes.desk import FakeDesk


async def test_programs_write_pipes_but_none_of_ours() -> None:
    desk = FakeDesk()
    files = ShellFiles(Arguments(PARAMETERS, {}), desk)
    for name in ("fanlight-text", "report"):
        files.handle(PipeOpened(name, PipeFlag(0)))
        files.handle(PipeData(b"42"))
        files.handle(PipeClosed())
    assert list(desk.pipes) == ["report"]
    assert desk.pipes["report"].data == b"42"
    assert desk.pipes["report"].closed
