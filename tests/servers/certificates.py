"""Self-signed certificates for servers under test."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Certificate", "new_certificate"]


@dataclass(frozen=True)
class Certificate:
    """A certificate on disk.

    Attributes:
        path: PEM, certificate and key.
        pem: the certificate alone.
        fingerprint: SHA-256 of the certificate, hexadecimal.
    """

    path: Path
    pem: str
    fingerprint: str


def new_certificate(folder: Path, name: str = "desk.example", address: str = "127.0.0.1") -> Certificate:
    """Make a certificate that is its own authority, for a name and an address."""
    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(Encoding.PEM).decode()
    path = folder / "certificate.pem"
    path.write_text(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    return Certificate(path, pem, hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest())
