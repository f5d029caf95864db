"""The core: verdicts, reasons, conditions and their life, without sockets or clocks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka.monitor.core import NOT_FED, PROVING, Monitor
from jidoka.monitor.summary import counters_of, take_summary
from jidoka.monitor.verdicts import REASONS, Reason, Verdict, texts_of, verdict_of
from jidoka_bridge.messages import Decision, Judgement, pack_decisions
from jidoka_bridge.metrics import BY_INDEX
from jidoka_tap import wire

from tests.monitor import line

SECOND = 1_000_000_000
BASELINE = line.baseline()
OTHER = line.baseline(recipe=7)
SIDE_VIEW = line.baseline(seed=2, position=1)
GROUPS = (line.DRIFT, line.INPUT, line.CONFIDENCE)


class Bench:
    """A monitor on a bench: time moves 0.1 s a record."""

    def __init__(self, mode: str = "none", per: float = 1e5, *baselines: object) -> None:
        self.plan = line.plan(Path("/nowhere"), mode, per, GROUPS)
        chosen = {(each.recipe, each.position): each for each in baselines or (BASELINE,)}  # type: ignore[attr-defined]
        self.now_ns = SECOND
        self.monitor = Monitor(self.plan, {line.MODEL: chosen}, 1, self.now_ns)  # type: ignore[dict-item]
        self.state = self.monitor.models[line.MODEL]
        self.monitor.tap_connected(line.MODEL, line.HELLO, self.now_ns)
        self.rng = np.random.default_rng(5)
        self.number = 0

    def take(
        self, content: list[tuple[int, int, np.ndarray]] | None = None, gain: float = 1.0, **more: int
    ) -> Decision:
        self.number += 1
        self.now_ns += SECOND // 10
        content = line.tensors(self.rng, gain) if content is None else content
        record = line.record(self.number, content, self.number, **more)
        return self.monitor.record(line.MODEL, record, self.now_ns)

    def judgement(self, condition: str) -> Judgement:
        return next(each for each in self.monitor.conditions if each.id == condition).judgement

    def running(self, **more: int) -> None:
        self.monitor.plc_status(line.status(**more), self.now_ns)  # type: ignore[arg-type]


def logits(*values: float) -> tuple[int, int, np.ndarray]:
    return (wire.OUTPUT, 0, np.array([values], np.float32))


def test_the_table_of_reasons_has_a_row_for_each_bit_and_each_row_makes_its_verdict() -> None:
    assert [row.reason for row in REASONS] == list(Reason)
    for row in REASONS:
        assert verdict_of(row.reason) is row.verdict
        assert texts_of(row.reason) == [row.text]
    assert verdict_of(Reason(0)) is Verdict.PASS
    assert verdict_of(Reason.LOW_CONFIDENCE | Reason.OUTPUT_SHAPE) is Verdict.REJECT


CASES = [
    ([logits(4, 0, 0, 0)], Verdict.PASS, Reason(0)),
    ([logits(0.3, 0, 0, 0)], Verdict.SUSPECT, Reason.LOW_CONFIDENCE),
    ([logits(4, np.nan, 0, 0)], Verdict.REJECT, Reason.OUTPUT_NOT_FINITE),
    ([logits(4, np.inf, 0, 0)], Verdict.REJECT, Reason.OUTPUT_NOT_FINITE),
    ([logits(4, 0, 0)], Verdict.REJECT, Reason.OUTPUT_SHAPE),
    ([(wire.OUTPUT, 0, np.zeros((1, 4)))], Verdict.REJECT, Reason.OUTPUT_SHAPE),
    ([(wire.OUTPUT, 0, np.zeros((4,), np.float32))], Verdict.REJECT, Reason.OUTPUT_SHAPE),
    ([], Verdict.REJECT, Reason.OUTPUT_MISSING),
    ([(wire.OUTPUT, 3, np.zeros((1, 4), np.float32))], Verdict.REJECT, Reason.OUTPUT_MISSING),
]


@pytest.mark.parametrize(("content", "verdict", "reason"), CASES)
def test_a_verdict_follows_from_the_answer(
    content: list[tuple[int, int, np.ndarray]], verdict: Verdict, reason: Reason
) -> None:
    row = Bench().take(content)
    assert (row.verdict, row.reasons) == (verdict, reason)


def test_an_answer_that_was_too_large_to_send_is_suspect_and_no_invalid_output() -> None:
    bench = Bench()
    pieces, not_sent = wire.pack_record(1, 1, 1, 1, [logits(4, 0, 0, 0)], inline_limit_bytes=0)
    assert not_sent
    row = bench.monitor.record(line.MODEL, wire.unpack_record(memoryview(b"".join(pieces))), SECOND)
    assert (row.verdict, row.reasons) == (Verdict.SUSPECT, Reason.OUTPUT_NOT_SENT)
    assert bench.judgement(line.INVALID) is Judgement.OFF


def test_invalid_output_is_a_condition_for_as_long_as_it_lasts_and_a_while_more() -> None:
    bench = Bench()
    bench.take([logits(np.nan, 0, 0, 0)])
    assert bench.judgement(line.INVALID) is Judgement.ON
    state = bench.monitor.conditions[bench.plan.conditions.index(bench.plan.conditions[-2])]
    assert state.evidence == {
        "why": "the output holds NaN or infinity", "record": 1, "part": 1, "tensor": "logits",
    }  # fmt: skip
    bench.monitor.tick(bench.now_ns + 4 * SECOND)
    assert bench.judgement(line.INVALID) is Judgement.ON
    bench.monitor.tick(bench.now_ns + 6 * SECOND)
    assert bench.judgement(line.INVALID) is Judgement.OFF


def test_invalid_answers_feed_no_detector() -> None:
    bench = Bench()
    for _ in range(30):
        assert bench.take([logits(np.nan, 0, 0, 0)]).flags & NOT_FED
    assert bench.judgement(line.DRIFT) is Judgement.UNKNOWN


def test_drift_is_unknown_then_off_then_on_and_off_again_when_the_lamp_is_back() -> None:
    bench = Bench()
    seen = []
    for gain in [1.0] * 100 + [0.85] * 60 + [1.0] * 100:
        bench.take(gain=gain)
        seen.append(bench.judgement(line.DRIFT))
    assert seen[:19] == [Judgement.UNKNOWN] * 19
    assert seen[19:100] == [Judgement.OFF] * 81
    assert Judgement.ON in seen[100:115]
    assert seen[-1] is Judgement.OFF
    assert bench.judgement(line.CONFIDENCE) is Judgement.OFF


def test_a_drift_makes_records_suspect_and_its_evidence_names_feature_direction_and_parts() -> None:
    bench = Bench()
    for _ in range(50):
        bench.take()
    for _ in range(30):
        row = bench.take(gain=0.85)
    assert row.verdict == Verdict.SUSPECT
    assert Reason(row.reasons) == Reason.DRIFT_ALL | Reason.DRIFT_INPUT
    condition = bench.monitor.conditions[1]
    assert condition.evidence["direction"] == "down"
    assert condition.evidence["onset_low_part"] <= 51 <= condition.evidence["onset_high_part"]
    assert condition.evidence["last_part"] == 80
    assert condition.evidence["z"] < -1.0
    assert set(condition.evidence["shares"]) <= set(line.FEATURES[:4])
    assert condition.revision > 0


def test_news_are_told_once_and_revisions_rise_across_restarts() -> None:
    bench = Bench()
    first = [each.revision for each in bench.monitor.conditions]
    for _ in range(20):
        bench.take()
    assert bench.monitor.take_changed() == [0, 1, 2]
    assert bench.monitor.take_changed() == []
    assert all(
        new.revision == old + 1 for new, old in zip(bench.monitor.conditions[:3], first[:3], strict=True)
    )
    later = Monitor(bench.plan, {}, 1, 100 * SECOND)
    assert all(each.revision > max(first) for each in later.conditions)


def test_records_of_a_standing_machine_feed_nothing() -> None:
    bench = Bench("observe")
    for _ in range(30):
        assert bench.take().flags == NOT_FED
    bench.running(is_running=False)
    assert bench.take().flags == NOT_FED
    assert bench.judgement(line.DRIFT) is Judgement.UNKNOWN
    bench.running()
    assert bench.take().flags == 0
    bench.monitor.guard_gone()
    assert bench.take().flags == NOT_FED


def test_an_old_status_says_nothing_about_the_machine() -> None:
    bench = Bench("observe")
    bench.running()
    bench.now_ns += 3 * SECOND
    assert bench.take().flags == NOT_FED


def test_a_proving_run_starts_models_in_enforce_afresh_and_no_others() -> None:
    for mode, expected in (("enforce", Judgement.UNKNOWN), ("observe", Judgement.OFF)):
        bench = Bench(mode)
        bench.running()
        for _ in range(20):
            bench.running()
            bench.take()
        assert bench.judgement(line.DRIFT) is Judgement.OFF
        bench.running(proving_run=1, is_proving=True)
        assert bench.judgement(line.DRIFT) is expected
        assert bench.take().flags == PROVING
        condition = bench.monitor.conditions[0]
        assert condition.run == (1 if mode == "enforce" else 0)


def test_a_restarted_monitor_takes_an_old_run_for_old_and_a_current_one_for_current() -> None:
    for is_proving, run in ((False, 0), (True, 3)):
        bench = Bench("enforce")
        bench.running(proving_run=3, is_proving=is_proving)
        assert bench.monitor.conditions[0].run == run
        assert bench.judgement(line.DRIFT) is Judgement.UNKNOWN


def test_another_recipe_is_judged_afresh_against_its_own_baseline_and_an_unknown_one_is_no_baseline() -> None:
    bench = Bench("none", 1e5, BASELINE, OTHER)
    for _ in range(20):
        bench.take()
    assert bench.judgement(line.DRIFT) is Judgement.OFF
    bench.take(recipe=7)
    assert bench.judgement(line.DRIFT) is Judgement.UNKNOWN
    for _ in range(20):
        bench.take(recipe=7)
    assert bench.judgement(line.DRIFT) is Judgement.OFF
    for _ in range(30):
        row = bench.take(gain=0.5, recipe=9)
    assert Reason(row.reasons) == Reason.NO_BASELINE
    assert bench.judgement(line.NO_BASELINE) is Judgement.ON
    assert bench.judgement(line.DRIFT) is Judgement.UNKNOWN


def test_the_plcs_recipe_counts_where_the_application_names_none() -> None:
    bench = Bench("observe", 1e5, BASELINE, OTHER)
    bench.running(recipe=7)
    assert bench.take().recipe == 7
    assert bench.take(recipe=9).recipe == 9


def test_positions_have_baselines_of_their_own_and_the_worst_of_them_counts() -> None:
    bench = Bench("none", 1e5, BASELINE, SIDE_VIEW)
    for _ in range(40):
        bench.take()
        bench.take(position=1)
    assert bench.judgement(line.DRIFT) is Judgement.OFF
    for _ in range(40):
        bench.take()
        bench.take(gain=0.85, position=1)
    assert bench.judgement(line.DRIFT) is Judgement.ON
    assert bench.monitor.conditions[0].evidence["position"] == 1


def test_lost_records_are_counted_by_their_numbers() -> None:
    bench = Bench()
    bench.take()
    bench.number += 4
    bench.take()
    lease = bench.monitor.leases()[0]
    assert (lease.records, lease.lost) == (2, 4)
    bench.monitor.tap_gone(line.MODEL)
    assert bench.monitor.leases()[0].beat_ns == 0


def test_decisions_leave_in_blocks_of_256_or_after_their_time() -> None:
    bench = Bench()
    for _ in range(300):
        bench.take()
    blocks = bench.monitor.take_rows(bench.now_ns, 3600 * SECOND)
    assert [len(rows) for _, rows in blocks] == [256]
    assert bench.monitor.take_rows(bench.now_ns + 3601 * SECOND, 3600 * SECOND)[0][1][-1].part == 300


def test_the_summary_and_the_counters_say_what_happened() -> None:
    bench = Bench()
    for _ in range(30):
        bench.take()
    summary = take_summary(bench.monitor, bench.state, bench.now_ns, 3 * SECOND)
    assert summary["records"] == 30
    assert summary["rate_hz"] == 10.0
    assert summary["latency_ms"] == 2.0
    assert set(summary["features"]) == set(line.FEATURES)
    assert summary["conditions"][line.DRIFT] == "off"
    assert summary["statistic"]["limit_log"] == pytest.approx(np.log(1e5), abs=1e-3)
    counters = counters_of(bench.monitor, bench.state, 1e-5)
    assert all(BY_INDEX[int(index)].program == "monitor" for index in counters["values"])


def test_the_same_records_times_and_seed_give_the_same_judgements() -> None:
    def story() -> list[Decision]:
        bench = Bench()
        return [bench.take(gain=gain) for gain in [1.0] * 60 + [0.9] * 60]

    assert repr(story()) == repr(story())


def test_without_pictures_the_answers_alone_are_judged() -> None:
    bench = Bench()
    for _ in range(20):
        bench.take([line.tensors(bench.rng)[0]])
    assert bench.judgement(line.DRIFT) is Judgement.OFF
    assert bench.judgement(line.CONFIDENCE) is Judgement.OFF
    assert bench.judgement(line.INPUT) is Judgement.UNKNOWN


def test_numbers_that_jump_wildly_are_counted_and_break_no_message() -> None:
    bench = Bench()
    for number in (1, 2**64 - 1, 0, 2**64 - 1):
        bench.number = number - 1
        content = line.tensors(bench.rng)
        record = line.record(0, content)._replace(number=number, part=2**64 - 1, start_ns=2**64 - 1)
        row = bench.monitor.record(line.MODEL, record, bench.now_ns)
        assert pack_decisions(0, row.number, [row])
    assert len(bench.monitor.leases()[0].pack()) > 0


@pytest.mark.parametrize("shape", [(0, 4), (1, 0), (0, 0)])
def test_an_empty_answer_is_a_missing_one(shape: tuple[int, int]) -> None:
    row = Bench().take([(wire.OUTPUT, 0, np.zeros(shape, np.float32))])
    assert row.verdict == Verdict.REJECT
    assert row.reasons & Reason.OUTPUT_MISSING


def test_a_picture_of_another_layout_is_told_and_its_features_are_not_guessed() -> None:
    bench = Bench()
    answer, (role, index, image) = line.tensors(bench.rng)
    row = bench.take([answer, (role, index, image.transpose(0, 2, 3, 1))])
    assert (row.verdict, row.reasons) == (Verdict.SUSPECT, Reason.INPUT_SHAPE)
    state = next(each for each in bench.monitor.conditions if each.id == line.INVALID)
    assert state.judgement is Judgement.ON
    assert state.evidence["tensor"] == "image"
    assert state.evidence["why"] == "the input's shape or type isn't the manifest's, so nobody looked at it"
    assert bench.monitor.take_changed() == [state.index]
    bench.take([answer, (role, index, image.transpose(0, 2, 3, 1))])
    assert bench.monitor.take_changed() == [], "said once"


def gated_section(**gate: Any) -> dict[str, Any]:
    setting = {"feature": "top1_confidence", "reject_at_most": 0.01, "side": "low", "adapts": False, **gate}
    return {**line.SECTION, "gate": setting}


def test_a_record_beyond_the_gate_is_rejected_and_the_good_ones_mostly_pass(tmp_path: Path) -> None:
    plan = line.plan(tmp_path)
    sections = {**plan.sections, "models": {line.MODEL: gated_section()}}
    monitor = Monitor(replace(plan, sections=sections), {line.MODEL: {(0, 0): line.baseline()}}, 1, SECOND)
    monitor.tap_connected(line.MODEL, line.HELLO, SECOND)
    rng = np.random.default_rng(11)
    rows = [
        monitor.record(line.MODEL, line.record(n, line.tensors(rng), n), SECOND + n) for n in range(1, 401)
    ]
    unusual = [row for row in rows if row.reasons & Reason.UNUSUAL_RECORD]
    assert len(unusual) <= 12, "one in a hundred is allowed"
    assert all(row.verdict == 2 for row in unusual)
    flat = [(wire.OUTPUT, 0, np.zeros((1, 4), np.float32)), line.tensors(rng)[1]]
    odd = monitor.record(line.MODEL, line.record(401, flat, 401), SECOND + 401)
    assert odd.reasons & Reason.UNUSUAL_RECORD
    assert odd.verdict == 2
    assert monitor.part_verdict(401) == 2
