"""How a device gets its certificate: key and request are made here, the certificate comes back, and the key never leaves.

The key lies beside its place as `FILE.new` until the certificate for it is installed, so that the one in use goes on working.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from jidoka_bridge.errors import ConfigurationError, InputError, RefusedError

from jidoka.credentials.certificates import (
    dates_of,
    day,
    fits,
    gap_in_chain,
    name_of,
    read_certificates,
    read_key,
)
from jidoka.whole_file import write_whole

EC, ED25519 = "ec-p256", "ed25519"
KINDS = (EC, ED25519)
#: of a CN (RFC 5280, appendix A: ub-common-name)
MOST_NAME_CHARACTERS = 64

_Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Places:
    """Where key and certificate of this device lie, and what is on its way beside them."""

    key: Path
    certificate: Path

    @property
    def new_key(self) -> Path:
        return self.key.with_name(self.key.name + ".new")

    @property
    def request(self) -> Path:
        return self.certificate.with_name(self.certificate.name + ".csr")


def request(places: Places, name: str, organisation: str, kind: str, *, is_renewal: bool) -> Path:
    """Make a key (0600) and a request for it that names the device as CN; the request's path.

    A request that is on its way is given again, never made anew. Raises RefusedError while a key is in use and no renewal is
    asked for, InputError for a name that can't be one, ConfigurationError where nothing can be written.
    """
    if len(name) > MOST_NAME_CHARACTERS:
        raise InputError(
            f"{name}: has {len(name)} characters, and a certificate's name has at most {MOST_NAME_CHARACTERS}",
            "Give the device a shorter id.",
        )
    if os.path.lexists(places.key) and not is_renewal:
        raise RefusedError(
            f"{places.key}: is a key in use, and isn't overwritten",
            "For a new certificate with a new key: jidoka enroll CONFIGURATION --new",
        )
    if os.path.lexists(places.new_key):
        key = read_key(places.new_key)
        if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            raise RefusedError(f"{places.new_key}: is no key of this command", "Move it away, and ask again.")
    else:
        key = ec.generate_private_key(ec.SECP256R1()) if kind == EC else ed25519.Ed25519PrivateKey.generate()
        _write(places.new_key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    _write(places.request, signing_request(key, name, organisation), 0o644)
    return places.request


def signing_request(key: _Key, name: str, organisation: str) -> bytes:
    """A PKCS #10 request (RFC 2986) in PEM."""
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organisation:
        subject.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation[:MOST_NAME_CHARACTERS]))
    made = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name(subject))
        .sign(key, hashes.SHA256() if isinstance(key, ec.EllipticCurvePrivateKey) else None)
    )
    return made.public_bytes(Encoding.PEM)


@dataclass(frozen=True)
class Installed:
    """What was installed. is_new_key: the key that was made for it took its place."""

    certificate: Path
    subject: str
    issuer: str
    ends: datetime
    is_new_key: bool


def install(
    places: Places, came: Path, name: str, now: datetime, authorities: Path | None = None
) -> Installed:
    """Put the certificate that came back into its place, and its key. Raises InputError if it isn't this key's, isn't this
    device's, isn't valid now, or doesn't lead to the authorities (where they are given)."""
    chain = read_certificates(came)
    leaf = chain[0]
    key_path = _key_for(places, leaf, came)
    dates = dates_of(leaf)
    if dates.subject != f"CN={name}":
        raise InputError(
            f"{came}: is the certificate of {dates.subject}, and this device is CN={name}",
            "Have this device's own request signed; the broker tells devices apart by this name.",
        )
    if dates.ends < now:
        raise InputError(
            f"{came}: was valid until {day(dates.ends)}, and the clock says {now:%Y-%m-%d}",
            "Get a new one, or set the clock.",
        )
    if dates.begins > now:
        raise InputError(
            f"{came}: is valid from {day(dates.begins)} only, and the clock says {now:%Y-%m-%d}",
            "Set the clock, or wait.",
        )
    _require_for_clients(leaf, came)
    gap = gap_in_chain(chain, [] if authorities is None else read_certificates(authorities))
    if gap:
        raise InputError(
            f"{came}: the chain isn't whole: {gap}",
            "Put what lies between behind the device's certificate into the same file, in order.",
        )
    is_new_key = key_path == places.new_key
    if is_new_key:
        # first the key: for a moment neither fits, and a connection that is made then is tried again
        _replace(places.new_key, places.key)
    _write(places.certificate, b"".join(each.public_bytes(Encoding.PEM) for each in chain), 0o644)
    with contextlib.suppress(OSError):
        places.request.unlink()
    return Installed(places.certificate, dates.subject, name_of(leaf.issuer), dates.ends, is_new_key)


def _key_for(places: Places, leaf: x509.Certificate, came: Path) -> Path:
    """The key, new or in use, that the certificate speaks of."""
    tried = [path for path in (places.new_key, places.key) if os.path.lexists(path)]
    for path in tried:
        if fits(leaf, read_key(path)):
            return path
    if not tried:
        raise InputError(
            f"{came}: there is no key here that it could belong to", "Make one first: jidoka enroll"
        )
    raise InputError(
        f"{came}: is for another key than {' and '.join(str(path) for path in tried)}",
        f"Have this request signed: {places.request} (jidoka enroll makes it).",
    )


def _require_for_clients(leaf: x509.Certificate, came: Path) -> None:
    """RFC 5280, 4.2.1.12: a certificate that says what it is for must say that it is for clients."""
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return
    allowed = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if not allowed & set(usage):
        raise InputError(
            f"{came}: isn't for clients (its extended key usage lacks clientAuth)",
            "Have the request signed for client authentication.",
        )


def _write(path: Path, content: bytes, mode: int) -> None:
    """A secret is never readable by others, not for a moment."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content, mode)
    except OSError as error:
        raise _unwritable(path, error) from None


def _replace(source: Path, target: Path) -> None:
    try:
        source.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from None


def _unwritable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{path}: can't be written: {error.strerror}",
        "Run it as the user that runs the steward, in a folder that this user may write.",
    )
