"""The monitor as the intake's sink: each record is timed and, while somebody records, told to the recorder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jidoka_bridge.messages import Decision, PlcStatus
from jidoka_tap import wire

from jidoka.monitor.core import Monitor
from jidoka.monitor.known_answers import Result, Rounds
from jidoka.monitor.trace import Trace


class TimedMonitor:
    """Passes everything on to a Monitor; the trace hears it first.

    tell_news: called with the time when conditions changed: nothing waits for the end of a turn; results: of known
    answers, until somebody takes them. judge_ns, judged: by
    model, the time taken for records and how many, since whoever reads them set them to 0.
    """

    def __init__(
        self, monitor: Monitor, trace: Trace, clock: Callable[[], int], tell_news: Callable[[int], None]
    ) -> None:
        self.monitor = monitor
        self.trace = trace
        self.judge_ns = dict.fromkeys(monitor.models, 0)
        self.judged = dict.fromkeys(monitor.models, 0)
        #: model -> SHA-256 of the file that its application says it has loaded
        self.digests: dict[str, str] = {}
        #: model -> what its application says that it runs, for the inventory
        self.applications: dict[str, dict[str, str]] = {}
        self.rounds = Rounds(monitor.plan)
        self.results: list[Result] = []
        self._clock = clock
        self._tell_news = tell_news
        self._index = {name: state.index for name, state in monitor.models.items()}
        self._model, self._begun_ns = "", 0

    def tap_connected(self, model: str, hello: Mapping[str, Any], now_ns: int) -> None:
        self.trace.connected(self._index[model], hello, now_ns)
        digest = hello.get("sha256")
        if isinstance(digest, str) and digest:
            self.digests[model] = digest
        told = {name: str(hello.get(name) or "")[:120] for name in ("sha256", "runtime", "tap")}
        self.applications[model] = told
        self.rounds.connected(model, hello)
        self.monitor.tap_connected(model, hello, now_ns)

    def tap_gone(self, model: str) -> None:
        self.trace.gone(self._index[model])
        self.monitor.tap_gone(model)

    def tap_beat(self, model: str, now_ns: int) -> None:
        self.trace.beat(self._index[model], now_ns)
        self.monitor.tap_beat(model, now_ns)

    def tap_refused(self, model: str) -> None:
        self.trace.refused(self._index[model])
        self.monitor.tap_refused(model)

    def second_writer(self, model: str, evidence: dict[str, Any], now_ns: int) -> None:
        self.trace.second_writer(self._index[model], evidence, now_ns)
        self.monitor.second_writer(model, evidence, now_ns)

    def record(self, model: str, record: wire.Record, now_ns: int) -> Decision:
        self._model, self._begun_ns = model, now_ns
        row = self.monitor.answer(model, record, now_ns)
        if self.trace.is_on:  # its arrays are ours in this call only
            self.trace.record(self._index[model], record, row, now_ns)
        return row

    def known_answer(self, model: str, record: wire.Record, now_ns: int) -> None:
        """No part's record: no detector takes it, and the next one follows nothing."""
        self.monitor.known_answer(model, record, now_ns)
        result = self.rounds.take(model, record, now_ns)
        if result is not None:
            self.results.append(result)

    def study(self) -> None:
        self.monitor.study()
        self.judged[self._model] += 1
        judged_ns = self._clock()
        self.judge_ns[self._model] += judged_ns - self._begun_ns
        if self.monitor.changed:
            self._tell_news(judged_ns)

    def plc_status(self, status: PlcStatus, now_ns: int) -> None:
        self.trace.status(status, now_ns)
        self.monitor.plc_status(status, now_ns)

    def guard_gone(self) -> None:
        self.trace.guard_gone()
        self.monitor.guard_gone()

    def tick(self, now_ns: int) -> None:
        self.trace.tick(now_ns)
        self.monitor.tick(now_ns)
