"""TLS to a broker: 1.2 at least, the broker's certificate always checked, this device's own given where it has one."""

from __future__ import annotations

import contextlib
import ssl
from datetime import datetime, timezone

from cryptography import x509
from jidoka_bridge.errors import BrokerError, ConfigurationError, PlainError

from jidoka.broker.endpoint import Broker
from jidoka.broker.tunnel import CONNECT_S, connected_socket
from jidoka.credentials.login import Login, problems
from jidoka.credentials.secrets import require_private

#: a refusal comes at once; who is let in hears nothing before CONNECT
LATE_REFUSAL_S = 1.0


def login_of(broker: Broker) -> Login:
    """The files that this device logs in with."""
    passwords = [("password_file", broker.password_file)] if broker.password_file else []
    if broker.proxy is not None and broker.proxy.password_file:
        passwords.append(("proxy_password_file", broker.proxy.password_file))
    is_tls = broker.is_tls
    return Login(
        broker.ca if is_tls else None, broker.certificate if is_tls else None, broker.key if is_tls else None,
        tuple((setting, path) for setting, path in passwords if path),
    )  # fmt: skip


def context_of(broker: Broker, *, is_verifying: bool = True) -> ssl.SSLContext:
    """Made anew for each connection, so that a renewed certificate counts from the next one on. Raises BrokerError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not is_verifying:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if broker.ca is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(broker.ca)
        if broker.certificate is not None and broker.key is not None:
            require_private(broker.key)
            context.load_cert_chain(broker.certificate, broker.key, _no_passphrase)
        if broker.alpn:
            context.set_alpn_protocols(list(broker.alpn))
    except ConfigurationError as error:
        raise BrokerError(error.what, error.remedy) from None
    except (OSError, ValueError) as error:
        raise _why_unusable(broker, error) from None
    return context


def peer_certificate(broker: Broker) -> x509.Certificate | None:
    """What the broker shows, believed by nobody: to say which certificate isn't good. None if it shows none."""
    with contextlib.suppress(OSError, ValueError, PlainError):
        context = context_of(broker, is_verifying=False)
        with connected_socket(broker) as sock:
            sock.settimeout(CONNECT_S)
            with context.wrap_socket(sock, server_hostname=broker.host) as wrapped:
                shown = wrapped.getpeercert(binary_form=True)
        if shown is not None:
            return x509.load_der_x509_certificate(shown)
    return None


def late_refusal(broker: Broker) -> str:
    """OpenSSL's reason why a broker ends a TLS 1.3 connection after the handshake; "" if it doesn't.

    Asked for anew and without a word of ours: what we sent may have met a closed connection, and the reset that comes back
    then can overtake the broker's alert.
    """
    with contextlib.suppress(TimeoutError, PlainError):
        context = context_of(broker)
        try:
            with connected_socket(broker) as sock:
                sock.settimeout(LATE_REFUSAL_S)
                with context.wrap_socket(sock, server_hostname=broker.host) as wrapped:
                    wrapped.recv(1)
        except ssl.SSLError as error:
            return error.reason or ""
        except OSError:
            return ""
    return ""


def _no_passphrase() -> str:
    """Asked for where the key is locked; without it OpenSSL would ask on the terminal."""
    raise ValueError("the key is locked by a passphrase")


def _why_unusable(broker: Broker, error: Exception) -> BrokerError:
    now = datetime.now(timezone.utc)
    for problem in problems(login_of(broker), now):
        if not problem.is_of_time:
            return BrokerError(problem.what, problem.remedy)
    files = ", ".join(path for path in (broker.ca, broker.certificate, broker.key) if path)
    return BrokerError(
        f"{files}: OpenSSL can't use them: {error}", "Give PEM files that `openssl x509` can read."
    )
