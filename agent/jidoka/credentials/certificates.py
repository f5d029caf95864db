"""X.509 certificates and private keys in PEM files, as far as a device's login at a broker needs them (RFC 5280, RFC 7468)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID
from jidoka_bridge.errors import ConfigurationError

from jidoka.credentials.secrets import require_private

NOT_A_CERTIFICATE = "Give a PEM file: it begins with -----BEGIN CERTIFICATE-----."
NOT_A_KEY = "Give the PEM file that `jidoka enroll` wrote, without a passphrase, with mode 0600."


@dataclass(frozen=True)
class Dates:
    """When something is valid, UTC. subject: whose it is, in words."""

    subject: str
    begins: datetime
    ends: datetime


def read_certificates(path: str | Path) -> list[x509.Certificate]:
    """Every certificate in the file, in its order; at least one. Raises ConfigurationError."""
    content = _content(path)
    try:
        return x509.load_pem_x509_certificates(content)
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(
            f"{path}: holds no certificate that can be read", NOT_A_CERTIFICATE
        ) from None


def read_key(path: str | Path) -> PrivateKeyTypes:
    """The private key in a file that only its owner may read. Raises ConfigurationError."""
    require_private(path)
    content = _content(path)
    try:
        return load_pem_private_key(content, None)
    except TypeError:
        raise ConfigurationError(f"{path}: the key is locked by a passphrase", NOT_A_KEY) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(f"{path}: holds no private key that can be read", NOT_A_KEY) from None


def name_of(name: x509.Name) -> str:
    """`CN=press`, or the whole name where it has no common name."""
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return f"CN={common[0].value!s}" if common else name.rfc4514_string() or "nobody"


def dates_of(certificate: x509.Certificate) -> Dates:
    """When the certificate is valid, and of whom it speaks."""
    try:
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except ValueError:  # a date that datetime can't hold
        begins, ends = datetime.min.replace(tzinfo=timezone.utc), datetime.max.replace(tzinfo=timezone.utc)
    return Dates(name_of(certificate.subject), begins, ends)


def day(moment: datetime) -> str:
    """`2026-11-28 22:15 UTC`."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def fits(certificate: x509.Certificate, key: PrivateKeyTypes) -> bool:
    """The certificate speaks of this very key."""
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """`issuer` signed it: the names meet and the signature holds."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def gap_in_chain(chain: list[x509.Certificate], authorities: list[x509.Certificate]) -> str:
    """Why a chain (the device's first) doesn't lead to one of `authorities`; "" if it does. Without authorities only the
    chain itself is looked at."""
    for lower, upper in pairwise(chain):
        if not is_issued_by(lower, upper):
            return f"{name_of(upper.subject)}, which follows it, didn't issue {name_of(lower.subject)}"
    last = chain[-1]
    if authorities and last not in authorities and not any(is_issued_by(last, each) for each in authorities):
        return f"{name_of(last.subject)} was issued by {name_of(last.issuer)}, which isn't among the given authorities"
    return ""


def _content(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: can't be read: {error.strerror}",
            "Put the file there, and let the user that runs the steward read it; `jidoka enroll` makes key and request.",
        ) from None
