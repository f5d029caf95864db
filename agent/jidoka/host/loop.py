"""The host's loop: an inference when it is time, or when a part came, and the source has enough for one."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from typing import Any

from jidoka_bridge import messages
from jidoka_bridge.channel import Channel
from jidoka_bridge.messages import Kind

from jidoka.host.bell import Bell
from jidoka.host.options import Options
from jidoka.host.runner import Runner
from jidoka.host.showing import Shower
from jidoka.host.sources.sample import Sample, Source
from jidoka.host.telling import say, say_counts
from jidoka.host.trigger import Trigger

log = logging.getLogger(__name__)

SECOND_NS = 1_000_000_000
INFERENCES, SENT, DROPPED = "60", "61", "62"  # indices of jidoka_bridge.metrics


class Loop:
    """Gathers samples to batches and runs them; once a second says what others want to know.

    left_over: samples at the end of the source that were too few for a batch of a fixed size.
    """

    def __init__(
        self,
        options: Options,
        runner: Runner,
        source: Source,
        tap: Any,
        *,
        bell: Bell,
        trigger: Trigger | None,
        steward: Channel | None,
        shower: Shower,
    ) -> None:
        self._shower = shower
        self._options, self._runner, self._source = options, runner, source
        self._tap, self._bell, self._trigger, self._steward = tap, bell, trigger, steward
        self._parts: deque[int] = deque()
        self._gathered: list[Sample] = []
        self._gathered_parts: list[int] = []
        self._given = 0
        self._next_ns = time.monotonic_ns()
        self._look_again_ns = 0
        self._next_duty_ns = self._next_ns + SECOND_NS
        self._next_line_ns = self._next_ns + int(options.tells_every_s * SECOND_NS)
        self.left_over = 0

    def live(self) -> None:
        """Until the source or the count ends, or a signal comes."""
        while not self._bell.rung and not self._is_counted:
            now_ns = time.monotonic_ns()
            if now_ns >= self._next_duty_ns:
                self._duties(now_ns)
            if not self._is_due(now_ns):
                self._bell.wait(
                    min(self._next_duty_ns, self._next_try_ns()), [self._trigger] if self._trigger else ()
                )
                continue
            sample = self._source.take(now_ns)
            if sample is not None:
                self._gather(sample)
            elif self._source.has_ended:
                break
            else:
                until_ns = now_ns + int(max(self._source.look_again_s, 0.001) * SECOND_NS)
                self._bell.wait(min(until_ns, self._next_duty_ns), [self._source])
        if self._gathered and not self._bell.rung:
            self._run_the_rest()

    @property
    def _is_counted(self) -> bool:
        return self._options.count is not None and self._given >= self._options.count

    def _gather(self, sample: Sample) -> None:
        self._given += 1
        self._gathered.append(sample)
        self._gathered_parts.append(self._parts.popleft() if self._trigger is not None else self._given)
        if len(self._gathered) == self._runner.batch:
            self._run()

    def _run_the_rest(self) -> None:
        """A last batch may be smaller only where the model takes it."""
        if self._runner.takes_fewer:
            self._run()
        else:
            self.left_over = len(self._gathered)
            log.warning(
                "%d samples at the end are too few for the model's batch of %d",
                self.left_over,
                self._runner.batch,
            )

    def _run(self) -> None:
        results = self._runner.run(self._gathered, self._gathered_parts)
        self._gathered, self._gathered_parts = [], []
        self._source.finished()
        if self._options.tells == "results":
            for result in results:
                say(json.dumps(result.as_json(), separators=(",", ":")) + "\n")
        if self._options.rate_hz and self._trigger is None:
            now_ns, period_ns = results[0].start_ns, int(SECOND_NS / self._options.rate_hz)
            # an inference that took too long is not made up for by a burst
            self._next_ns = max(self._next_ns + period_ns, now_ns + period_ns // 2)

    def _is_due(self, now_ns: int) -> bool:
        """Whether a sample is wanted now: the trigger's part came, or the rate allows it."""
        if self._trigger is None:
            return now_ns >= self._next_ns
        if not self._parts:
            self._parts.extend(self._trigger.parts(now_ns))
        return bool(self._parts)

    def _next_try_ns(self) -> int:
        if self._trigger is None:
            return self._next_ns
        return self._trigger.next_try_ns if self._trigger.fileno() < 0 else self._next_duty_ns

    def _duties(self, now_ns: int) -> None:
        self._next_duty_ns = now_ns + SECOND_NS
        self._shower.look()
        if self._steward is not None:
            self._steward.connect(now_ns)
            self._steward.receive()
            self._tell_steward(now_ns, Kind.COUNTERS, {
                "program": "host", "labels": {"model": self._tap.model}, "values": self._counters(),
            })  # fmt: skip
        if self._options.tells == "counts" and now_ns >= self._next_line_ns:
            self._next_line_ns = now_ns + int(self._options.tells_every_s * SECOND_NS)
            say_counts(self._runner.tally, self._tap)

    def _counters(self) -> dict[str, int]:
        counts = self._tap.counts
        return {INFERENCES: self._runner.tally.records, SENT: counts.sent, DROPPED: counts.dropped}

    def _tell_steward(self, now_ns: int, kind: Kind, value: dict[str, Any]) -> None:
        if self._steward is not None and self._steward.is_connected:
            self._steward.send(messages.encode_json(kind, self._steward.number, now_ns, value))

    def end(self) -> None:
        """Say goodbye to everybody."""
        self._tell_steward(time.monotonic_ns(), Kind.BYE, {"program": "host", "reason": "stopped"})
        self._source.close()
        if self._trigger is not None:
            self._trigger.close()
