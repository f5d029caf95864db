"""What the configuration lets a condition be used for is what the monitor has features for."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from jidoka.config import judgeable
from jidoka.config.bundle import Boxes, Bundle, Channel, Input, Output
from jidoka.config.compile import compile_text
from jidoka.config.conditions import BY_NAME, CONDITIONS
from jidoka.config.manifest import load_bundle
from jidoka.config.model_section import model_section
from jidoka.config.schema import ModelSettings
from jidoka.monitor.features.table import feature_set
from jidoka.monitor.kernels.frame_found import FRAME_FEATURES

from tests.host.bundles import changed_bundle

from .line import ROOT, changed, faults_of

INPUTS = (
    Input("picture", "uint8", (1, 1, 8, 8), layout="NCHW", colour="grey", monitored=True),
    Input("state", "float32", (1, 4), monitored=True),
    Input("ids", "int64", (1, 4), monitored=True),
    Input("picture", "uint8", (1, 1, 8, 8), layout="NCHW", colour="grey"),
)
OUTPUTS = (
    Output("logits", "float32", (1, 4), role="logits", monitored=True),
    Output(
        "boxes", "float32", (1, 9, 7), role="detections", monitored=True, boxes=Boxes("xyxy", (8, 8), 4, 5)
    ),
    Output("rows", "float32", (1, 9, 7), role="detections", monitored=True),
    Output("u", "float32", (1, 2), role="command", monitored=True, channels=(Channel("a"), Channel("b"))),
    Output("embedding", "float16", (1, 4), role="embedding", monitored=True),
    Output("map", "float32", ("n", 32, 4, 4), role="embedding", monitored=True),
    Output("tokens", "float32", (1, "tokens", 8), role="embedding", monitored=True),
    Output("unsized", "float32", (1, "d"), role="embedding", monitored=True),
    Output("label", "int64", (1,), monitored=True),
    Output("u", "float32", (1, 2), role="command"),
)


def bundle_of(inputs: tuple[Input, ...], outputs: tuple[Output, ...]) -> Bundle:
    return replace(load_bundle("surface-inspection"), inputs=inputs, outputs=outputs)


@pytest.mark.parametrize(
    ("given", "output"), list(itertools.product(INPUTS, OUTPUTS)), ids=lambda each: f"{each.name}-{each.role}"
)
def test_a_drift_can_be_asked_for_where_the_monitor_has_its_features(given: Input, output: Output) -> None:
    bundle = bundle_of((given,), (output,))
    groups = feature_set(model_section(ModelSettings(id="m", bundle="b", mode="none"), bundle)).groups
    lacking = judgeable.lacking(bundle, has_thumbnail=False)
    for name in (kind.name for kind in CONDITIONS if kind.group is not None):
        features = set(groups[str(BY_NAME[name].group)])
        # the monitor is always ready for a thumbnail; without one those features stay empty
        found = features if given.layout and given.monitored else features - set(FRAME_FEATURES)
        assert (name in lacking) == (not found), name


def test_a_command_that_isn_t_monitored_can_t_be_implausible() -> None:
    assert "implausible command" not in judgeable.lacking(bundle_of((), OUTPUTS[3:4]), has_thumbnail=False)
    assert "implausible command" in judgeable.lacking(bundle_of((), OUTPUTS[-1:]), has_thumbnail=False)


def test_a_thumbnail_stands_for_an_input_that_is_not_copied() -> None:
    hidden = bundle_of(INPUTS[3:], OUTPUTS[-2:])
    assert {"drift(input)", "drift(all)"} <= set(judgeable.lacking(hidden, has_thumbnail=False))
    assert not {"drift(input)", "drift(all)"} & set(judgeable.lacking(hidden, has_thumbnail=True))


def test_a_row_says_that_thumbnails_come(tmp_path: Path) -> None:
    blind = changed_bundle(tmp_path / "blind", ("monitored: true", "monitored: false"))
    text = changed(("surface-inspection", str(blind)))
    (fault,) = faults_of(text)
    assert (fault.place, fault.path) == ((16, 11), "risks[0].when")
    assert (
        "drift(input) can't be judged: the manifest of surface-inspection marks no picture" in fault.message
    )
    assert "thumbnail: true" in fault.remedy
    seeing = changed(
        ("surface-inspection", str(blind)), ("mode: enforce", "mode: enforce\n    thumbnail: true")
    )
    assert faults_of(seeing) == []
    assert compile_text(seeing, ROOT).sections["models"]["eye"]["thumbnail"] is True
