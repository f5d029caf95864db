"""The PLC's blocks read from the line, look by look, while no guard runs. WITHHOLD is all that is written."""

from __future__ import annotations

import time

from jidoka_bridge.link.blocks import BlockB, BlockC, BlockError
from jidoka_bridge.plan import Link

from jidoka.commissioning.client import Client
from jidoka.commissioning.probe import function_of
from jidoka.commissioning.view import View, of_blocks


class LineView:
    """Opens the port at once. memory_s: block C is read at most so often. Raises LinkError."""

    def __init__(self, link: Link, memory_s: float) -> None:
        self._client = Client(link, float(link.reply_timeout_ms))
        self._unit = link.unit
        self._memory_s = memory_s
        self._memory: BlockC | None = None
        self._memory_at = 0.0
        self._function: str | None = None
        self._block: BlockB | None = None

    def look(self) -> View:
        """One beat, and block C where it is time. Raises LinkError when the port is lost."""
        if self._function is None:
            self._function = function_of(self._client, 0)
        if self._function is None:
            return of_blocks(None, None, None, "no answer: jidoka plc probe tells more")
        if time.monotonic() >= self._memory_at:
            self._read_memory()
        stamp = 0 if self._block is None else self._block.counter
        answer, _number = self._client.beat(stamp, self._function)
        why, rtt_ns = answer.why, None if answer.why else answer.rtt_ns
        if not why:
            try:
                self._block = BlockB.decode(answer.words, self._unit)
            except BlockError as error:
                why = f"block {error.flaw.value}: jidoka plc probe tells more"
        return of_blocks(self._block, self._memory, rtt_ns, why)

    def _read_memory(self) -> None:
        self._memory_at = time.monotonic() + self._memory_s
        why, words = self._client.read_block_c()
        if why:
            return
        try:
            self._memory = BlockC.decode(words, self._unit)
        except BlockError:
            return

    def close(self) -> None:
        """Let go of the port."""
        self._client.close()
