"""Why an HTTP request failed, in words that hold no credentials: they go into the log, to the broker and into bundles."""

from __future__ import annotations

import os
import re
import socket
import ssl

import aiohttp

__all__ = ["reason", "without_credentials"]

MAX_LENGTH = 200
_CREDENTIALS = re.compile(r"//[^/\s]*@")


def without_credentials(text: str) -> str:
    """URLs in a text without the user and password before their host."""
    return _CREDENTIALS.sub("//", text)


def reason(error: Exception) -> str:
    """What to tell of an error of aiohttp or of a socket."""
    match error:
        case aiohttp.ClientHttpProxyError():
            found = f"the HTTP proxy answered {error.status}"
        case aiohttp.ClientProxyConnectionError():
            found = f"the HTTP proxy cannot be reached: {_system(error.os_error)}"
        case aiohttp.ClientConnectorCertificateError():
            found = f"its certificate is not to be trusted: {_system(error.certificate_error)}"
        case aiohttp.ClientConnectorError():
            found = _system(error.os_error)
        case aiohttp.InvalidURL():
            found = "its URL, or that of the HTTP proxy, is none"
        case aiohttp.ClientResponseError():
            found = "what answers, it or an HTTP proxy, does not speak HTTP"
        case UnicodeError():
            found = "its name cannot be one"
        case OSError():
            found = _system(error)
        case _:
            found = str(error)
    return without_credentials(found)[:MAX_LENGTH]


def _system(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if not isinstance(error, OSError):
        return str(error)
    if error.errno and not isinstance(error, ssl.SSLError | socket.gaierror):
        return os.strerror(error.errno)  # asyncio puts an address in its place
    return error.strerror or str(error)
