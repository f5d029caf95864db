"""A small HTTP proxy that tunnels CONNECT (RFC 9110, 9.3.6), on threads; each line of its answer is a segment of its own."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def connect_proxy(answer: str = "") -> Iterator[ConnectProxy]:
    """A proxy for one block."""
    proxy = ConnectProxy(answer)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


class ConnectProxy:
    """answer: status line of a refusal, "" to tunnel. asked: (request line, fields) of each request."""

    def __init__(self, answer: str = "") -> None:
        self.answer = answer
        self.asked: list[tuple[str, list[str]]] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._open: list[socket.socket] = []

    def start(self) -> None:
        self._threads[0].start()

    def stop(self) -> None:
        for sock in [self._server, *self._open]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(5.0)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = self._server.accept()
                self._open.append(taken)
                thread = threading.Thread(target=self._serve, args=(taken,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            line, *fields = head.decode().strip().split("\r\n")
            self.asked.append((line, fields))
            if self.answer:
                client.sendall(f"{self.answer}\r\nContent-Length: 0\r\n\r\n".encode())
                return
            host, _, port = line.split(" ")[1].rpartition(":")
            with socket.create_connection((host, int(port)), 5.0) as broker:
                self._open.append(broker)
                for each in ("HTTP/1.1 200 Connection established\r\n", "Via: 1.1 plant\r\n", "\r\n"):
                    client.sendall(each.encode())
                pass_on(client, broker)


def pass_on(one: socket.socket, other: socket.socket) -> None:
    """Everything from either to the other until one of them ends."""
    while True:
        readable, _, _ = select.select([one, other], [], [], 10.0)
        for sock in readable:
            data = sock.recv(65_536)
            if not data:
                return
            (other if sock is one else one).sendall(data)
