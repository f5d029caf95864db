"""What a person at any line can do, done for real: the PLC's button and key, an acknowledgement; and what he asks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jidoka_bridge import messages
from jidoka_bridge.channel import Channel
from jidoka_bridge.messages import Kind, MessageError

from jidoka.demo.facts import Facts

PRESS_NS = 250_000_000
ASK_EVERY_NS = 100_000_000
REASON = "seen, will look"


class Hands:
    """At the panel and at the steward. `step` does what is due: a release, the next question."""

    def __init__(self, panel: Path, steward_socket: Path) -> None:
        self._panel = panel
        self._steward = Channel(steward_socket)
        self._release_ns = 0
        self._next_ask_ns = 0
        self._requests = 0
        self.answers: list[dict[str, Any]] = []

    def press(self) -> None:
        self._tell_panel("press")
        self._release_ns = time.monotonic_ns() + PRESS_NS

    def turn_key(self, is_on: bool) -> None:
        self._tell_panel("key on" if is_on else "key off")

    def acknowledge(self, facts: Facts) -> None:
        for cause in facts.waiting:
            self._send(
                Kind.ACKNOWLEDGE,
                {"cause": cause["id"], "revision": cause["revision"], "reason": REASON, "text": "",
                 "role": "operator", "person": "shift-early"},
            )  # fmt: skip

    def step(self, now_ns: int, facts: Facts, on_status: Callable[[dict[str, Any]], None]) -> None:
        """Do what is due at now_ns; a status answer of the steward goes to on_status."""
        if self._release_ns and now_ns >= self._release_ns:
            self._release_ns = 0
            self._tell_panel("release")
        self.work(now_ns, facts)
        self._steward.connect(now_ns)
        for datagram in self._steward.receive():
            self._receive(datagram, on_status)
        if now_ns >= self._next_ask_ns and self._steward.is_connected:
            self._next_ask_ns = now_ns + ASK_EVERY_NS
            self._send(Kind.ASK, {"what": "status"})

    def work(self, now_ns: int, facts: Facts) -> None:
        """What goes on by itself on this line; the facts are told of it."""

    def close(self) -> None:
        self._steward.close()

    def _receive(self, datagram: bytes, on_status: Callable[[dict[str, Any]], None]) -> None:
        try:
            message = messages.decode(datagram)
            if message.kind is not Kind.ANSWER:
                return
            answer = message.json()
        except MessageError:
            return
        value = answer.get("value")
        if answer.get("ok") and isinstance(value, dict) and "interlock" in value:
            on_status(value)
        else:
            self.answers.append(answer)

    def _send(self, kind: Kind, body: dict[str, Any]) -> None:
        self._requests += 1
        body["request"] = f"{os.getpid():x}-{self._requests:x}"
        self._steward.send(messages.encode_json(kind, self._steward.number, time.monotonic_ns(), body))

    def _tell_panel(self, line: str) -> None:
        panel = os.open(self._panel, os.O_WRONLY | os.O_NOCTTY)
        try:
            os.write(panel, line.encode() + b"\n")
        finally:
            os.close(panel)
