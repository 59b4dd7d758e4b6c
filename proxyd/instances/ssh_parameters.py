"""The `ssh` protocol's connection parameters (sheet section 5.2)."""

from __future__ import annotations

from proxyd.instances.parameters import KEEPING, WAYS, Parameter

__all__ = ["PARAMETERS"]

MAX_PORT = 65535
CLIPBOARD_BYTES = 262144, 52428800
"""Range of a clipboard's size."""
MAX_SCROLLBACK = 100_000
"""Rows."""

PARAMETERS = (
    Parameter("hostname"),
    Parameter("host-key"),
    Parameter("port", 22, 0, MAX_PORT),
    Parameter("timeout", 10, 1, 600, clamp=True),
    Parameter("username"),
    Parameter("password", secret=True),
    Parameter("font-name"),
    Parameter("font-size", 12, 4, 96, clamp=True),
    Parameter("enable-sftp", False),
    Parameter("sftp-root-directory", "/"),
    Parameter("sftp-disable-download", False),
    Parameter("sftp-disable-upload", False),
    Parameter("private-key", secret=True),
    Parameter("passphrase", secret=True),
    Parameter("public-key"),
    Parameter("enable-agent", False),
    Parameter("color-scheme"),
    Parameter("command"),
    Parameter("typescript-path"),
    Parameter("typescript-name", "typescript"),
    Parameter("create-typescript-path", False),
    Parameter("typescript-write-existing", False),
    Parameter("recording-path"),
    Parameter("recording-name", "recording"),
    Parameter("recording-exclude-output", False),
    Parameter("recording-exclude-mouse", False),
    Parameter("recording-include-keys", False),
    Parameter("recording-include-clipboard", False),
    Parameter("create-recording-path", False),
    Parameter("recording-write-existing", False),
    Parameter("read-only", False),
    Parameter("server-alive-interval", 0, 0, 86_400, clamp=True),
    Parameter("backspace", 127, 0, 255, clamp=True),
    Parameter("func-keys-and-keypad"),
    Parameter("terminal-type", "xterm-256color"),
    Parameter("scrollback", 1000, 0, MAX_SCROLLBACK, clamp=True),
    Parameter("locale"),
    Parameter("timezone"),
    Parameter("clipboard-buffer-size", CLIPBOARD_BYTES[0], *CLIPBOARD_BYTES, clamp=True),
    Parameter("disable-copy", False),
    Parameter("disable-paste", False),
    Parameter("wol-send-packet", False),
    Parameter("wol-mac-addr"),
    Parameter("wol-broadcast-addr", "255.255.255.255"),
    Parameter("wol-udp-port", 9, 1, MAX_PORT),
    Parameter("wol-wait-time", 0, 0, 3600, clamp=True),
    # what guacd does not know stands behind its own
    Parameter("legacy-algorithms", False),
    Parameter("typescript-format", "script"),
    Parameter("host-key-alias"),
    *WAYS,
    *KEEPING,
)
"""guacd's 46 (with `enable-agent`, which some of its builds lack), in its order, then ours: whether ciphers and
signatures that are considered broken may be used with an old instance; `script` or `asciicast`. `public-key` may be a
certificate. `host-key-alias` is the name under which the host key is known, instead of the address."""
