"""A small certificate authority for one test run: EC P-256 keys, certificates with whatever is wrong with them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Pair(NamedTuple):
    """Files of a certificate and its key."""

    certificate: str
    key: str


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@dataclass
class Authority:
    """Issues certificates into `folder`. ends: of its own certificate, days from now."""

    folder: Path
    common: str
    ends: float = 3650.0

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(
            name(self.common), self.key, days=(-4000.0, self.ends), hosts=(), is_authority=True
        )
        self.file = str(self.folder / f"{self.common}.pem")
        Path(self.file).write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def issue(
        self, common: str, *, days: tuple[float, float] = (-1.0, 365.0), hosts: tuple[str, ...] = (), file: str = ""
    ) -> Pair:  # fmt: skip
        """days: of the beginning and the end, from now; hosts: of a server, none for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(name(common), key, days=days, hosts=hosts, is_authority=False)
        pair = Pair(*(str(self.folder / f"{file or common}.{kind}") for kind in ("crt", "key")))
        Path(pair.certificate).write_bytes(certificate.public_bytes(Encoding.PEM))
        write_key(Path(pair.key), key)
        return pair

    def sign(self, request: Path, days: tuple[float, float] = (-1.0, 365.0), *, common: str = "") -> Path:
        """What an authority makes of a request; common: another name than was asked for."""
        asked = x509.load_pem_x509_csr(request.read_bytes())
        assert asked.is_signature_valid
        subject = name(common) if common else name(
            str(asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
        )  # fmt: skip
        certificate = self._sign(subject, asked.public_key(), days=days, hosts=(), is_authority=False)
        came = self.folder / f"{request.name}.signed"
        came.write_bytes(certificate.public_bytes(Encoding.PEM))
        return came

    def _sign(
        self, subject: x509.Name, key: object, *, days: tuple[float, float], hosts: tuple[str, ...], is_authority: bool
    ) -> x509.Certificate:  # fmt: skip
        public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
        now = datetime.now(timezone.utc)
        usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name(self.common))
            .public_key(public)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if hosts:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([host_name(each) for each in hosts]), critical=False
            )
        return builder.sign(self.key, hashes.SHA256())


def host_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
