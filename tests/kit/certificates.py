"""Certificates of our own: an authority, and what it signs."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate and its key, as PEM."""

    certificate: str
    key: str

    @property
    def whole(self) -> str:
        """Return both, as Kafka's PEM key stores want them."""
        return self.key + self.certificate


class Authority:
    """Signs certificates; ``pem`` is its own."""

    def __init__(self, name: str = "test authority") -> None:
        """Make its key, and a certificate that it signs itself."""
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _name(name)
        self.pem = _pem(_sign(self._name, self._name, self._key, self._key, authority=True))

    def sign(self, name: str, *, address: str | None = None, days: int = 1, password: str | None = None) -> Signed:
        """Sign a certificate for ``name``, which ends in ``days`` days, or ended before; ``address`` is a server's."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(_name(name), self._name, key, self._key, address=address, days=days)
        lock = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()
        return Signed(_pem(certificate), text)

    def revoked(self, certificates: Iterable[str] = (), *, days: int = 1) -> str:
        """Return the list of what it has revoked, certificates as PEM; it is valid for ``days`` days, or was."""
        now = dt.datetime.now(dt.UTC)
        ends = now + dt.timedelta(days=days)
        builder = x509.CertificateRevocationListBuilder(self._name, ends - dt.timedelta(days=5), ends)
        for pem in certificates:
            number = x509.load_pem_x509_certificate(pem[pem.index("-----BEGIN CERTIFICATE") :].encode()).serial_number
            taken = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now)
            builder = builder.add_revoked_certificate(taken.build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    @property
    def file_name(self) -> str:
        """What its certificate is called in a directory of authorities: OpenSSL's hash of the subject, and a number."""
        (name,) = self._name
        octets = str(name.value).lower().encode()
        text = bytes([0x0C, len(octets)]) + octets
        pair = b"\x06\x03\x55\x04\x03" + text
        canonical = bytes([0x31, len(pair) + 2, 0x30, len(pair)]) + pair
        return f"{int.from_bytes(hashlib.sha1(canonical).digest()[:4], 'little'):08x}.0"


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    address: str | None = None,
    days: int = 1,
    authority: bool = False,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=10))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if address:
        try:
            names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(address))]
        except ValueError:
            names = [x509.DNSName(address)]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())
