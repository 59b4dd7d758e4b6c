"""TLS as bytes in, bytes out: the part of VeNCrypt that protects the connection."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from proxyd.rfb.errors import RfbError
from proxyd.rfb.security.base import check_fingerprint
from proxyd.wire.status import Status

if TYPE_CHECKING:
    from proxyd.rfb.buffer import Reading
    from proxyd.rfb.security.base import Dialogue

__all__ = ["start"]

ANONYMOUS = "ADH:AECDH:!eNULL:@SECLEVEL=0"
MAX_RECORD = 65536


def start(dialogue: Dialogue, *, anonymous: bool) -> Reading[None]:
    """Shake hands and protect the connection.

    Args:
        dialogue: the handshake.
        anonymous: without certificates (the TLS types of VeNCrypt); those exist up to TLS 1.2 only.

    Raises:
        RfbError: TLS failed, or the certificate is not the one to trust.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = _anonymous() if anonymous else _certified(dialogue)
    try:
        session = context.wrap_bio(incoming, outgoing, server_hostname=dialogue.host or None)
    except ValueError:
        raise RfbError("The desktop's name cannot be checked.", Status.SERVER_ERROR) from None
    while True:
        try:
            session.do_handshake()
        except ssl.SSLWantReadError:
            dialogue.send(outgoing.read())
            incoming.write((yield from dialogue.buffer.something()))
        except ssl.SSLCertVerificationError as error:
            raise RfbError(
                f"The desktop's certificate is not trusted: {error.verify_message}.", Status.CLIENT_FORBIDDEN
            ) from None
        except ssl.SSLError as error:
            raise _broken(error) from None
        else:
            break
    dialogue.send(outgoing.read())
    if not anonymous:
        check_fingerprint(dialogue, session.getpeercert(binary_form=True) or b"")
    dialogue.protect(_TlsChannel(session, incoming, outgoing))


class _TlsChannel:
    def __init__(self, session: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
        self._session = session
        self._incoming = incoming
        self._outgoing = outgoing

    def receive(self, data: bytes) -> bytes:
        self._incoming.write(data)
        plain = bytearray()
        try:
            while piece := self._session.read(MAX_RECORD):
                plain += piece
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        except ssl.SSLError as error:
            raise _broken(error) from None
        return bytes(plain)

    def send(self, data: bytes) -> bytes:
        try:
            self._session.write(data)
        except ssl.SSLError as error:
            raise _broken(error) from None
        return self._outgoing.read()


def _broken(error: Exception) -> RfbError:
    reason = getattr(error, "reason", None) or type(error).__name__
    return RfbError(f"The desktop's TLS failed: {str(reason).replace('_', ' ').lower()}.")


def _anonymous() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.set_ciphers(ANONYMOUS)
    except ssl.SSLError:
        raise RfbError(
            "The desktop wants TLS without certificates, which this TLS library cannot do.",
            Status.SERVER_ERROR,
        ) from None
    return context


def _certified(dialogue: Dialogue) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not dialogue.trust.authorities:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.check_hostname = bool(dialogue.host)  # a desktop that calls us has no name
    try:
        context.load_verify_locations(cadata=dialogue.trust.authorities)
    except (ssl.SSLError, ValueError):
        raise RfbError(
            "The certificate authority of the desktop cannot be read.", Status.SERVER_ERROR
        ) from None
    return context
