"""Record real programs, and what tmux makes of them: `python -m tests.captures.terminal.record [NAME ...]`.

Each program runs in a PTY of 80 columns and 24 rows; our terminal answers its questions while keys are typed. NAME.bytes is
its output up to a moment of rest, NAME.tmux the screen of a tmux that was shown the same bytes, with styles as SGR.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import NamedTuple

from proxyd.terminal.terminal import Terminal

FOLDER = Path(__file__).parent
COLUMNS, ROWS = 80, 24
QUIET = 0.6
"""Seconds without output after which a program is taken to wait."""


class Program(NamedTuple):
    """A command line, and what is typed: one entry for each time the program waits."""

    command: str
    keys: tuple[str, ...] = ()


UNICODE = "ASCII ÄÖÜ ñ é e\u0301 a\u0308 | 中文字 日本語 한국어 | ｆｕｌｌ ｶﾅ | 👍 🎉 ❤ | ┌─┬─┐│├┼┤└┴┘ █▓▒░ | Привет Ελλάδα עברית العربية | ∀∂∈ℝ∧∪≡∞"
SETUP = """
cd "$HOME" && mkdir -p project/src project/docs && cd project
printf '#include <stdio.h>\\n\\n/* Greets the world. */\\nint main(int argc, char **argv)\\n{\\n\\tfor (int i = 0; i < 3; i++)\\n\\t\\tprintf("hello %%d\\\\n", i);\\n\\treturn 0;\\n}\\n' > src/hello.c
seq 1 200 | sed 's/$/ a line of text to page through/' > docs/lines.txt
git init -q -b main . && git config user.name Ada && git config user.email ada@example.org
git add . && git commit -q -m 'Begin' --date='2024-01-02 03:04:05 +0000'
printf 'more\\n' >> docs/lines.txt && sed -i 's/hello/goodbye/' src/hello.c
git commit -q -a -m 'Say goodbye' --date='2024-01-03 03:04:05 +0000' && git branch topic HEAD~1
"""
PROGRAMS = {
    "vim": Program("vim -Nu NONE -i NONE -n --cmd 'syntax on' --cmd 'set ruler number background=dark ttimeoutlen=50' src/hello.c",
        (":split docs/lines.txt\r", "\x06", ":vsplit\r", "50%", ":set hlsearch\r/text\r", "\x17j", "Onew line\x1b", "dd", ">>")),
    "vim-256": Program("vim -Nu NONE -i NONE -n --cmd 'syntax on' --cmd 'set t_Co=256 cursorline' --cmd 'colorscheme slate' src/hello.c",
        ("ggVG", ">", "u", "yyp", "\x16jj", "\x1b")),
    "less": Program("less docs/lines.txt", (" ", " ", "b", "/150\r", "G", "k", "k", "-N\r")),
    "htop": Program("sleep 99 & one=$!; tail -f /dev/null & exec htop -d 100 -p $one,$!", ("\x1b[B", "t", "\x1b[B")),
    "top": Program("sleep 99 & one=$!; tail -f /dev/null & exec top -d 100 -p $one,$!", ("z", "x")),
    "mc": Program("mc -d -x", ("\x1b[B", "\t", "\x1b[B", "\x1b[19~", "\x1b\x1b", "\x0f")),
    "nano": Program("nano -I src/hello.c", ("\x1b[B\x1b[B", "new text", "\x17return\r", "\x0b")),
    "git": Program("git --no-pager log --graph --all --stat --color --date=iso; git --no-pager diff --color HEAD~1; git -c color.ui=always status"),
    "python": Program("python3 -q", ("for i in range(3): print('x' * i)\r\r", "'é中' * 3\r", "\x1b[A\x1b[D\x1b[D\x1b[D12\r", "1/0\r", "imp\t\t")),
    "bash": Program("bash --norc --noprofile",
        ("PS1='\\[\\e[1;32m\\]user@host\\[\\e[m\\]:\\w\\$ '\r", "ls --color=always -la\r", "echo " + "word " * 30 + "\r",
         "\x1b[A\x01\x1bf\x1b[C\x17", "\x03", "\x12ls", "\r", "clear\r", "printf '\\e[7mreverse\\e[m\\n'\r", "ec\t")),
    "unicode": Program(f"printf '%s\\n' '{UNICODE}' '{UNICODE}'"),
    "styles": Program(r"""for s in 1 2 3 4 5 7 8 9 '4:3' '58:5:1;4' 31 42 91 102 '38;5;208' '48;5;24' '38;2;10;200;30'; do printf '\033[%sm %s \033[0m\t' "$s" "$s"; done; printf '\033[44m\033[K\n\033[41mred\033[J'"""),
    "progress": Program(r"""printf '\033[1;23r\033[23;1H'; for i in 1 2 3 4 5; do printf 'Unpacking %s ...\r\n' $i; printf '\0337\033[24;0f\033[42m\033[30mProgress: [ %d0%%]\033[49m\033[39m [###....]\0338' $i; done; printf '\033[1;24r\033[23;1H\033[J'"""),
    "tmux": Program("tmux -S ../socket -f /dev/null new-session 'bash --norc --noprofile'",
        ("echo one\r", "\x02%", "echo two\r", '\x02"', "ls --color=always\r", "\x02[", "q")),
}  # fmt: skip


def record(program: Program, home: Path) -> bytes:
    """The output of a program up to its last rest."""
    pid, terminal_end = pty.fork()
    if pid == 0:
        os.chdir(home / "project")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }
        os.execvpe("sh", ["sh", "-c", program.command], environment)
    fcntl.ioctl(terminal_end, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    terminal = Terminal(COLUMNS, ROWS)
    output = read_until_quiet(terminal_end, terminal)
    for keys in program.keys:
        os.write(terminal_end, keys.encode())
        output += read_until_quiet(terminal_end, terminal)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(terminal_end)
    return output


def read_until_quiet(terminal_end: int, terminal: Terminal) -> bytes:
    """What comes until nothing comes; questions are answered."""
    output = b""
    while select.select([terminal_end], [], [], QUIET)[0]:
        try:
            data = os.read(terminal_end, 65536)
        except OSError:
            break
        if not data:
            break
        output += data
        terminal.feed(data)
        if replies := terminal.take_replies():
            os.write(terminal_end, replies)
    return output


def tmux_screen(data: bytes) -> str:
    """The screen of a tmux that was shown `data`: text with SGR, and its cursor in the last line."""
    environment = os.environ | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    with tempfile.TemporaryDirectory() as folder:
        shown = Path(folder, "shown")
        # A title behind the output tells when tmux is through with it.
        shown.write_bytes(data + b"\x1b]2;through\x1b\\")

        def tmux(*arguments: str) -> str:
            line = ["tmux", "-S", f"{folder}/socket", "-u", "-f", "/dev/null", *arguments]
            return subprocess.run(line, capture_output=True, text=True, check=True, env=environment).stdout

        options = [";", "set", "-g", "status", "off", ";", "set", "-g", "default-terminal", "xterm-256color"]
        tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "exec sleep 60", *options)
        try:
            tmux("new-window", f"stty raw -echo; cat {shown}; exec sleep 60")
            deadline = time.monotonic() + 20
            while tmux("display-message", "-p", "#{pane_title}") != "through\n":
                if time.monotonic() > deadline:
                    raise TimeoutError("tmux did not show the output in 20 seconds")
                time.sleep(0.02)
            return tmux("capture-pane", "-p", "-e", "-N") + tmux(
                "display-message", "-p", "#{cursor_x} #{cursor_y}"
            )
        finally:
            tmux("kill-server")


def main() -> None:
    """Record the programs that are named, or all."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        subprocess.run(
            ["sh", "-c", SETUP],
            check=True,
            env=os.environ | {"HOME": folder, "GIT_COMMITTER_DATE": "2024-01-03T00:00:00Z"},
        )
        for name in sys.argv[1:] or PROGRAMS:
            data = record(PROGRAMS[name], home)
            (FOLDER / f"{name}.bytes").write_bytes(data)
            if (home / "socket").exists():
                subprocess.run(["tmux", "-S", home / "socket", "kill-server"], check=True)
            (FOLDER / f"{name}.tmux").write_text(tmux_screen(data))
            sys.stdout.write(f"{name}: {len(data)} bytes\n")


if __name__ == "__main__":
    main()
