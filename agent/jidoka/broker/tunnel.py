"""The TCP connection to a broker, straight or through an HTTP proxy, with every way it may fail in plain words.

The answer of a proxy is read to its empty line and no further: what follows is the broker's.
"""

from __future__ import annotations

import base64
import errno
import socket
import time

from jidoka_bridge.errors import BrokerError

from jidoka.broker.endpoint import Broker, Proxy, password_of

CONNECT_S = 5.0
#: a proxy's answer is a status line and some fields
MOST_ANSWER_BYTES = 16_384
#: what a proxy answers to CONNECT (RFC 9110, 15) -> what to do
PROXY_REMEDIES: dict[int, str] = {
    403: "Let the proxy admit CONNECT to this host and port.",
    405: "The proxy admits no CONNECT: name one that does, or go without.",
    407: "Check proxy_username and proxy_password_file.",
    502: "The proxy can't reach the broker: check the broker's name and the proxy's own network.",
    503: "The proxy can't reach the broker: check the broker's name and the proxy's own network.",
    504: "The proxy can't reach the broker: check the broker's name and the proxy's own network.",
}
NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})


def connected_socket(broker: Broker) -> socket.socket:
    """A socket that reaches the broker. Raises BrokerError."""
    if broker.proxy is None:
        return _dial(broker.host, broker.port, str(broker), "broker")
    sock = _dial(broker.proxy.host, broker.proxy.port, f"the proxy {broker.proxy}", "proxy")
    try:
        _ask(sock, broker, broker.proxy)
    except BaseException:
        sock.close()
        raise
    return sock


def _dial(host: str, port: int, name: str, kind: str) -> socket.socket:
    try:
        return socket.create_connection((host, port), CONNECT_S)
    except ConnectionRefusedError:
        raise BrokerError(
            f"no {kind} listens at {host}:{port}", f"Start the {kind}, or correct its host and port."
        ) from None
    except socket.gaierror as error:
        why = (
            "the network's name service doesn't answer"
            if error.errno == socket.EAI_AGAIN
            else "nobody knows it"
        )
        raise BrokerError(
            f"the host name {host} can't be resolved: {why}", "Correct it, or check the network's DNS."
        ) from None
    except UnicodeError:
        raise BrokerError(f"the host name {host} can't be resolved: it is none", "Correct it.") from None
    except TimeoutError:
        raise BrokerError(
            f"{name} doesn't answer within {CONNECT_S:.0f} s", "Check cable, firewall and address."
        ) from None
    except OSError as error:
        remedy = "Check cable, address and route." if error.errno in NO_ROUTE else "Check the network."
        raise BrokerError(f"{name} can't be reached: {error.strerror or error}", remedy) from None


def _ask(sock: socket.socket, broker: Broker, proxy: Proxy) -> None:
    """CONNECT, and a 2xx to it."""
    host = f"[{broker.host}]" if ":" in broker.host else broker.host
    lines = [f"CONNECT {host}:{broker.port} HTTP/1.1", f"Host: {host}:{broker.port}"]
    if proxy.username:
        pair = f"{proxy.username}:{password_of(proxy.password_file) or ''}"
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}")
    try:
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b""
        deadline_s = time.monotonic() + CONNECT_S
        while not answer.endswith(b"\r\n\r\n"):
            if (left_s := deadline_s - time.monotonic()) <= 0:
                raise TimeoutError
            sock.settimeout(left_s)
            received = sock.recv(1)
            if not received or len(answer) > MOST_ANSWER_BYTES:
                break
            answer += received
    except TimeoutError:
        raise BrokerError(
            f"the proxy {proxy} doesn't answer within {CONNECT_S:.0f} s", "Check that it is an HTTP proxy."
        ) from None
    except OSError as error:
        raise BrokerError(
            f"the proxy {proxy} can't be reached: {error.strerror or error}", "Check the network."
        ) from None
    sock.settimeout(CONNECT_S)
    code = _status(answer)
    if code is None:
        raise BrokerError(f"{proxy} doesn't answer as an HTTP proxy", "Check the proxy's host and port.")
    if not 200 <= code < 300:
        remedy = PROXY_REMEDIES.get(code, "See the proxy's log.")
        raise BrokerError(f"the proxy {proxy} refuses to connect to {broker} (HTTP {code})", remedy)


def _status(answer: bytes) -> int | None:
    parts = answer.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():
        return None
    return int(parts[1])
