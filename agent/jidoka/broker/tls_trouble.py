"""Why TLS to a broker failed, as a person needs it: which certificate, which date, whose fault, what to do.

Texts stay the same from one attempt to the next, so that a trouble is recorded once.
"""

from __future__ import annotations

import re
import ssl
from datetime import datetime, timezone
from typing import NamedTuple

from cryptography import x509
from jidoka_bridge.errors import BrokerError, ConfigurationError

from jidoka.broker.endpoint import Broker
from jidoka.broker.tls import late_refusal, peer_certificate
from jidoka.credentials.certificates import dates_of, day, name_of, read_certificates
from jidoka.credentials.login import RENEW

#: before this program was written no clock is right
CLOCK_IS_WRONG_BEFORE = 2020

#: OpenSSL's codes of a failed verification (x509_vfy.h)
NOT_YET_VALID, EXPIRED, SELF_SIGNED, SELF_SIGNED_ROOT, NO_ISSUER, UNVERIFIED_LEAF = 9, 10, 18, 19, 20, 21
OTHER_NAME, OTHER_ADDRESS = 62, 64

OPENSSL_REASON = re.compile(r"\[SSL: ([A-Z0-9_]+)\]")
LOG = "See the broker's log."
VALID_FROM = "valid from "


class Row(NamedTuple):
    """{own}: this device's certificate. is_of_own: the broker doesn't take it."""

    text: str
    remedy: str
    is_of_own: bool = True


#: OpenSSL's reason: mostly the alert that the broker sent (RFC 8446, 6.2) -> what is wrong
REASONS: dict[str, Row] = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": Row("asks for a certificate, and this device has none to show", "Set certificate and key; `jidoka enroll` makes the key and the request.", False),
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": Row("refuses this device's certificate ({own}): it has ended", RENEW),
    "SSLV3_ALERT_CERTIFICATE_REVOKED": Row("refuses this device's certificate ({own}): it was revoked", RENEW),
    "TLSV1_ALERT_UNKNOWN_CA": Row("refuses this device's certificate ({own}): it doesn't know who issued it", "Let the broker's cafile hold the authority that issued it, or get a certificate of the broker's authority."),
    "SSLV3_ALERT_BAD_CERTIFICATE": Row("refuses this device's certificate ({own})", LOG),
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": Row("refuses this device's certificate ({own})", LOG),
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": Row("refuses this device's certificate ({own}): not this kind of key, or not for clients", "Ask for a certificate for client authentication, with an EC P-256 key."),
    "TLSV1_ALERT_ACCESS_DENIED": Row("refuses this device's certificate ({own}): access denied", LOG),
    "TLSV1_ALERT_DECRYPT_ERROR": Row("can't verify this device's certificate ({own})", LOG),
    "SSLV3_ALERT_HANDSHAKE_FAILURE": Row("finds no way to speak TLS with this device: no common cipher, or no certificate of ours", "Set certificate and key where the broker asks for them; else see the broker's log.", False),
    "TLSV1_ALERT_PROTOCOL_VERSION": Row("speaks neither TLS 1.2 nor 1.3", "Let the broker speak TLS 1.2 or later; nothing older is spoken here.", False),
    "UNSUPPORTED_PROTOCOL": Row("speaks neither TLS 1.2 nor 1.3", "Let the broker speak TLS 1.2 or later; nothing older is spoken here.", False),
    "WRONG_VERSION_NUMBER": Row("doesn't speak TLS at this port", "Correct the port (8883 with TLS, as a rule), or write mqtt:// on a trusted network.", False),
    "RECORD_LAYER_FAILURE": Row("doesn't speak TLS at this port", "Correct the port (8883 with TLS, as a rule), or write mqtt:// on a trusted network.", False),
    "HTTP_REQUEST": Row("doesn't speak TLS at this port", "Correct the port (8883 with TLS, as a rule), or write mqtt:// on a trusted network.", False),
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": Row("knows none of the protocols in alpn", "Correct alpn, or remove it.", False),
    "TLSV1_UNRECOGNIZED_NAME": Row("has no certificate for this host name", "Write the name that the broker's certificate is for.", False),
    "UNEXPECTED_EOF_WHILE_READING": Row("hung up during the TLS handshake", "Check that the port is the broker's with TLS, and see the broker's log.", False),
}  # fmt: skip


def explained(error: ssl.SSLError, broker: Broker, now: datetime | None = None) -> BrokerError:
    """A handshake that failed on this side. now: UTC; the clock's if left out."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _unverified(error, broker, now or datetime.now(timezone.utc))
    return explained_reason(error.reason or "", broker) or BrokerError(
        f"{broker}: TLS failed: {error.reason or error}", LOG
    )


def reason_in(text: str) -> str:
    """OpenSSL's reason in a line of a log; "" if there is none."""
    found = OPENSSL_REASON.search(text)
    return found[1] if found else ""


def explained_reason(reason: str, broker: Broker) -> BrokerError | None:
    """What a reason of OpenSSL means; with TLS 1.3 a refused certificate is told after the handshake. None if unknown."""
    row = REASONS.get(reason)
    if row is None:
        return None
    own = own_certificate(broker)
    if row.is_of_own and not own:
        row = REASONS["TLSV13_ALERT_CERTIFICATE_REQUIRED"]
    remedy = "Set the clock, or wait." if row.is_of_own and VALID_FROM in own else row.remedy
    return BrokerError(f"{broker} {row.text.format(own=own)}", remedy)


def explained_end(broker: Broker, socket_error: str) -> BrokerError | None:
    """Why a connection with TLS ended before CONNACK; None where TLS isn't why. socket_error: what paho's log says of it."""
    return explained_reason(reason_in(socket_error) or late_refusal(broker), broker)


def own_certificate(broker: Broker) -> str:
    """`CN=press in FILE, valid until …` (or from, if that is yet to come); "" where the device has none."""
    if broker.certificate is None:
        return ""
    try:
        dates = dates_of(read_certificates(broker.certificate)[0])
    except ConfigurationError:
        return broker.certificate
    is_early = dates.begins > datetime.now(timezone.utc)
    when = f"{VALID_FROM}{day(dates.begins)}" if is_early else f"valid until {day(dates.ends)}"
    return f"{dates.subject} in {broker.certificate}, {when}"


def _unverified(error: ssl.SSLCertVerificationError, broker: Broker, now: datetime) -> BrokerError:
    """The broker's certificate isn't believed."""
    shown = peer_certificate(broker)
    if now.year < CLOCK_IS_WRONG_BEFORE and error.verify_code == NOT_YET_VALID:
        return BrokerError(
            f"{broker}: its certificate isn't valid yet, for this device's clock says {now.year}",
            "Set the clock: let a time service run, and see whether the clock's battery is flat.",
        )
    whose = f"{broker}: its certificate ({name_of(shown.subject)})" if shown else f"{broker}: its certificate"
    if error.verify_code in {NOT_YET_VALID, EXPIRED}:
        return _of_time(error.verify_code, whose, shown, now)
    authorities = broker.ca or "the system's authorities"
    if error.verify_code == SELF_SIGNED:
        return BrokerError(
            f"{whose} is signed by itself, and isn't among {authorities}",
            "Give the broker a certificate of the plant's authority, or, if you know it to be this one, add it to ca.",
        )
    if error.verify_code in {SELF_SIGNED_ROOT, NO_ISSUER, UNVERIFIED_LEAF}:
        issuer = f" ({name_of(shown.issuer)})" if shown else ""
        return BrokerError(
            f"{whose} was issued by somebody{issuer} who isn't among {authorities}",
            "Set ca to the authority that issued it, once you know that it is your own; the broker must send what lies between.",
        )
    if error.verify_code in {OTHER_NAME, OTHER_ADDRESS}:
        return BrokerError(
            f"{whose} is for {_names(shown)}, not for {broker.host}",
            "Write the name that it is for in url, or issue it for this one too.",
        )
    return BrokerError(f"{whose} isn't believed: {error.verify_message}", LOG)


def _of_time(code: int, whose: str, shown: x509.Certificate | None, now: datetime) -> BrokerError:
    dates = dates_of(shown) if shown else None
    clock = f"this device's clock says {now:%Y-%m-%d}"
    if dates is not None and code == NOT_YET_VALID and dates.begins > now:
        return BrokerError(
            f"{whose} is valid from {day(dates.begins)} only, and {clock}", "Set the clock, or wait."
        )
    if dates is not None and code == EXPIRED and dates.ends < now:
        return BrokerError(
            f"{whose} was valid until {day(dates.ends)}, and {clock}",
            "Renew the broker's certificate, or set the clock.",
        )
    which = "isn't valid yet" if code == NOT_YET_VALID else "has ended"
    return BrokerError(
        f"{whose}: an authority above it {which}, and {clock}",
        "Renew the authority's certificate at the broker and in ca, or set the clock.",
    )


def _names(shown: x509.Certificate | None) -> str:
    if shown is None:
        return "another name"
    try:
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return "no host at all (it has no subjectAltName)"
    return ", ".join(str(each.value) for each in names) or "no host at all"
