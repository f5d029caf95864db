"""The renderer: same seed same part, defects that can be seen, camera knobs that do what they say."""

from __future__ import annotations

import numpy as np
import pytest
from jidoka.host.renderer import CLASSES, KINDS, KNOB_RANGES, UNKNOWN_DEFECTS, Camera, Line, render
from jidoka_bridge.errors import ConfigurationError

QUIET = Camera(noise=0.0)


def pictures(kind: str, camera: Camera, count: int = 24) -> np.ndarray:
    return np.stack([render(kind, np.random.default_rng([1, n]), camera) for n in range(count)]).astype(float)


def laplacian_variance(images: np.ndarray) -> float:
    middle = images[:, 1:-1, 1:-1]
    around = images[:, :-2, 1:-1] + images[:, 2:, 1:-1] + images[:, 1:-1, :-2] + images[:, 1:-1, 2:]
    return float((around - 4.0 * middle).var())


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_draws_the_same_part_and_another_seed_another(kind: str) -> None:
    first, again, other = (render(kind, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert first.shape == (96, 96)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("kind", CLASSES[1:] + UNKNOWN_DEFECTS)
def test_a_defect_changes_the_picture_of_the_very_same_part_where_it_is_and_nowhere_else(kind: str) -> None:
    for seed in range(40):
        sound, damaged = (render(k, np.random.default_rng(seed), QUIET).astype(int) for k in ("ok", kind))
        change = np.abs(damaged - sound)
        # ten standard deviations of the commissioned noise over several pixels: nobody overlooks that
        assert (change > 20).sum() >= 4, f"seed {seed}: nothing to see"
        assert (change > 2).mean() < 0.12, f"seed {seed}: the whole picture changed"


def test_the_defects_differ_from_each_other_in_size() -> None:
    def changed_px(kind: str) -> float:
        return float(np.median((np.abs(pictures(kind, QUIET) - pictures("ok", QUIET)) > 8).sum(axis=(1, 2))))

    assert changed_px("pit") < changed_px("scratch") < changed_px("dent")


def test_sound_parts_are_alike_but_not_equal_and_far_from_clipping() -> None:
    means = pictures("ok", Camera(), 200).mean(axis=(1, 2))
    assert 0.3 < means.std() < 2.0
    assert abs(means[:100].mean() - means[100:].mean()) < 4 * means.std() / np.sqrt(50)
    assert pictures("ok", Camera()).max() < 240


def test_gain_scales_the_brightness() -> None:
    full = pictures("ok", QUIET).mean()
    assert pictures("ok", Camera(gain=0.75, noise=0.0)).mean() == pytest.approx(0.75 * full, rel=0.01)


def test_offset_adds_grey_levels() -> None:
    assert (pictures("ok", Camera(noise=0.0, offset=10.0)) - pictures("ok", QUIET)).mean() == pytest.approx(
        10.0, abs=0.1
    )


def test_blur_takes_sharpness_away_and_noise_adds_roughness() -> None:
    sharpness = [laplacian_variance(pictures("ok", Camera(blur_px=px))) for px in (0.0, 0.5, 1.0, 2.0)]
    assert sharpness == sorted(sharpness, reverse=True)
    roughness = [laplacian_variance(pictures("ok", Camera(noise=grey))) for grey in (0.0, 2.0, 6.0, 12.0)]
    assert roughness == sorted(roughness)


@pytest.mark.parametrize(
    ("light_deg", "brighter"), [(0.0, "right"), (90.0, "top"), (180.0, "left"), (-90.0, "bottom")]
)
def test_the_side_of_the_part_toward_the_lamp_is_the_bright_one(light_deg: float, brighter: str) -> None:
    image = pictures("ok", Camera(light_deg=light_deg, noise=0.0)).mean(axis=0)
    sides = {"left": image[:, :48], "right": image[:, 48:], "top": image[:48], "bottom": image[48:]}
    assert max(sides, key=lambda side: sides[side].mean()) == brighter


def test_dust_darkens_and_stays_where_it_is() -> None:
    shadow = [pictures("ok", Camera(noise=0.0, dust=n)) - pictures("ok", QUIET) for n in (3.0, 12.0)]
    assert shadow[1].mean() < shadow[0].mean() < 0.0
    assert np.all(shadow[1].min(axis=0)[shadow[0].min(axis=0) < -5] < -4)
    darkest = shadow[0].reshape(len(shadow[0]), -1).argmin(axis=1)
    assert len(set(darkest.tolist())) <= 6


def test_scale_makes_the_part_smaller_or_larger() -> None:
    areas = [(pictures("ok", Camera(noise=0.0, scale=scale)) > 60).mean() for scale in (0.8, 1.0, 1.1)]
    assert areas == sorted(areas)
    assert areas[0] == pytest.approx(0.64 * areas[1], rel=0.06)


def test_the_camera_does_not_change_which_part_it_is() -> None:
    rng_a, rng_b = np.random.default_rng(9), np.random.default_rng(9)
    render("dent", rng_a)
    render("dent", rng_b, Camera(gain=0.7, blur_px=1.0, light_deg=100.0, dust=9.0, scale=0.8, noise=0.0))
    assert rng_a.integers(1 << 30) == rng_b.integers(1 << 30)


@pytest.mark.parametrize("knob", KNOB_RANGES)
def test_a_knob_outside_its_range_is_refused_with_its_name_and_range(knob: str) -> None:
    low, high, _ = KNOB_RANGES[knob]
    Camera(**{knob: low})
    Camera(**{knob: high})
    for bad in (low - 0.01, high + 0.01, float("nan"), float("inf"), "1", None, True):
        with pytest.raises(ConfigurationError, match=rf"camera: {knob} is .*from {low:g} to {high:g}"):
            Camera(**{knob: bad})  # type: ignore[arg-type]


def test_an_unknown_kind_is_refused_and_the_kinds_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"(?s)'scrach'.*scratch, pit, dent"):
        render("scrach", np.random.default_rng(0))


def test_a_line_repeats_itself_part_by_part_and_keeps_its_defect_share() -> None:
    line, twin = Line(3, defect_share=0.25), Line(3, defect_share=0.25)
    kinds = []
    for _ in range(600):
        image, kind = line.part()
        assert kind in CLASSES
        kinds.append(kind)
        if len(kinds) <= 20:
            other, other_kind = twin.part(Camera(gain=0.5))
            assert other_kind == kind
            assert other.mean() < image.mean()
    share = 1.0 - kinds.count("ok") / len(kinds)
    assert abs(share - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 600)
    assert set(kinds) == set(CLASSES)


def test_a_line_can_be_all_sound_or_bring_defects_the_model_has_no_class_for() -> None:
    assert {kind for _, kind in (Line(1, 0.0).part() for _ in range(50))} == {"ok"}
    stream = iter(Line(1, 1.0, kinds=UNKNOWN_DEFECTS))
    assert {next(stream)[1] for _ in range(50)} == set(UNKNOWN_DEFECTS)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"defect_share": 1.5}, "defect_share"),
        ({"defect_share": float("nan")}, "defect_share"),
        ({"kinds": ("pit", "rust")}, "rust"),
        ({"kinds": ()}, "kinds"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_line_that_cannot_be_is_refused(wrong: dict[str, object], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        Line(**{"seed": 1, **wrong})  # type: ignore[arg-type]
