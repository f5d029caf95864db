"""The bundle models/arm-policy as committed: the file, its manifest, its card, what it can do; and that its maker makes it."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from jidoka.arm.knobs import COMMISSIONED
from jidoka.arm.motion import ENTRIES
from jidoka.arm.plant import PERIOD_S
from jidoka.config.manifest import load_bundle
from ruamel.yaml import YAML

from tools.models import arm_policy as maker

BUNDLE = Path(__file__).resolve().parents[2] / "models" / "arm-policy"
ONNX = BUNDLE / "arm-policy.onnx"
FRESH_SEED = 77  # none of the maker's


@lru_cache(maxsize=1)
def manifest() -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(BUNDLE / "manifest.yaml")
    return content


@lru_cache(maxsize=1)
def session() -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(ONNX), options, providers=["CPUExecutionProvider"])


def test_the_file_is_the_one_the_manifest_names_and_the_bundle_is_small() -> None:
    assert hashlib.sha256(ONNX.read_bytes()).hexdigest() == manifest()["sha256"]
    assert sum(path.stat().st_size for path in BUNDLE.iterdir()) < 100_000


def test_the_bundle_loads_as_a_control_model_with_everything_that_the_envelope_needs() -> None:
    bundle = load_bundle("arm-policy")
    assert (bundle.task, bundle.period_s) == ("control", pytest.approx(PERIOD_S))
    (command,) = bundle.outputs
    assert (command.name, command.role, command.shape, command.monitored) == (
        "command",
        "command",
        ("batch", 2),
        True,
    )
    for channel in command.channels:
        assert None not in {channel.low, channel.high, channel.rate, channel.jerk}
        assert channel.unit == "Nm"
    (obs,) = bundle.inputs
    assert obs.channels == ENTRIES
    assert bundle.tracking is not None
    states, targets = (
        [ENTRIES[entry] for entry in side.entries] for side in (bundle.tracking.state, bundle.tracking.target)
    )
    assert (states, targets) == (["q_shoulder", "q_elbow"], ["q_ref_shoulder", "q_ref_elbow"])
    assert bundle.saturation is not None
    assert bundle.chatter is not None


def test_names_types_and_shapes_in_the_file_are_those_of_the_manifest() -> None:
    for side, tensors in (("inputs", session().get_inputs()), ("outputs", session().get_outputs())):
        in_file = [(t.name, t.type, list(t.shape)) for t in tensors]
        assert in_file == [(t["name"], "tensor(float)", t["shape"]) for t in manifest()[side]]


def test_a_batch_gives_the_same_answers_as_one_by_one() -> None:
    x = maker.rollout(np.random.default_rng(1), None, 16, 1, is_pushed=True)[0][5]
    (together,) = session().run(["command"], {"obs": x})
    alone = np.concatenate([session().run(["command"], {"obs": row[None]})[0] for row in x])
    np.testing.assert_allclose(together, alone, atol=1e-4)


@pytest.mark.parametrize("entry", range(len(ENTRIES)))
def test_an_entry_that_is_no_number_makes_both_torques_none(entry: int) -> None:
    x = np.zeros((1, len(ENTRIES)), np.float32)
    x[0, entry] = np.nan
    assert np.isnan(session().run(["command"], {"obs": x})[0]).all()


def test_the_file_says_nothing_of_the_machine_it_was_made_on() -> None:
    content = ONNX.read_bytes()
    for trace in (b"/home/", b"/root/", b"/tmp/", b"site-packages", b".py"):
        assert trace not in content, trace


def test_on_fresh_cycles_the_policy_tracks_about_as_well_as_what_it_was_cloned_from() -> None:
    policy = maker.policy_of(ONNX)
    ours, theirs = (maker.closed_loop_mrad(each, COMMISSIONED, FRESH_SEED)[0] for each in (policy, None))
    assert ours < 1.05 * theirs
    assert abs(ours - manifest()["figures"]["policy_mrad"]) < 0.3
    assert abs(theirs - manifest()["figures"]["expert_mrad"]) < 0.3


def test_the_limits_leave_room_for_clean_cycles_and_little_more() -> None:
    limits = maker.measure_limits(maker.policy_of(ONNX))
    channels = manifest()["outputs"][0]["channels"]
    for c, channel in enumerate(channels):
        assert channel["low"] < limits.low[c] < limits.high[c] < channel["high"]
        assert channel["high"] - channel["low"] < 1.6 * (limits.high[c] - limits.low[c])
        assert limits.rate[c] < channel["rate"] < 1.6 * limits.rate[c]
        assert limits.jerk[c] < channel["jerk"] < 1.6 * limits.jerk[c]
    assert limits.residual_rad < manifest()["limits"]["tracking"]["limit"]


def test_the_same_seed_trains_the_same_network() -> None:
    first, again, other = (maker.train(seed, 8, 2, 30) for seed in (1, 1, 2))
    for name, weights in first.weights.items():
        np.testing.assert_array_equal(weights, again.weights[name])
    assert any((weights != other.weights[name]).any() for name, weights in first.weights.items())


def test_the_card_carries_the_figures_of_the_manifest_and_names_what_the_model_is_not_for() -> None:
    card = (BUNDLE / "CARD.md").read_text(encoding="utf-8")
    figures = manifest()["figures"]
    assert f"**{figures['policy_mrad']:.2f} mrad**" in card
    assert f"{figures['expert_mrad']:.2f} mrad" in card
    assert f"{figures['test_cycles']:,} cycles" in card
    assert figures["command"] in card
    for name in maker.CONDITIONS:
        assert f"| {name} |" in card
    assert "Not for any real arm" in card
