"""Durations, budgets and rates: units are asked for, 0 is refused, limits are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.config.faults import UnfitError
from jidoka.config.quantities import (
    SECONDS,
    Budget,
    Bytes,
    Duration,
    Rate,
    Share,
    budget,
    duration_text,
    seconds,
    size_bytes,
    size_text,
)

ANY = Duration("1 ms", "10 years")


@pytest.mark.parametrize(
    ("text", "value_s"),
    [("500 ms", 0.5), ("2 s", 2), ("15 min", 900), ("24 h", 86_400), ("90 days", 7_776_000), ("1.5s", 1.5)],
)
def test_a_duration_is_a_number_with_a_unit(text: str, value_s: float) -> None:
    assert ANY.read(text) == pytest.approx(value_s)


@pytest.mark.parametrize("text", ["", "s", "5", "5 parsecs", "-5 s", "5 s s", "1e3 s", "٥ s", "nan s", "5 S"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(UnfitError, match="isn't a duration"):
        ANY.read(text)


def test_a_bare_number_is_answered_with_both_readings() -> None:
    with pytest.raises(UnfitError, match="500 has no unit") as caught:
        ANY.read(500)
    assert "500 ms or 500 s" in caught.value.remedy


@pytest.mark.parametrize("value", [None, True, [], {}])
def test_other_kinds_are_refused(value: object) -> None:
    with pytest.raises(UnfitError, match="isn't a duration"):
        ANY.read(value)


def test_zero_never_means_never() -> None:
    with pytest.raises(UnfitError, match="0 never means"):
        ANY.read("0 s")


@pytest.mark.parametrize(("text", "side"), [("99 ms", "too short"), ("61 s", "too long")])
def test_limits_are_kept_and_named(text: str, side: str) -> None:
    limited = Duration("100 ms", "1 min")
    assert limited.read("100 ms") == pytest.approx(0.1)
    assert limited.read("60 s") == 60
    with pytest.raises(UnfitError, match=side) as caught:
        limited.read(text)
    assert caught.value.remedy == "Use 100 ms to 1 min."


@given(st.integers(1, 10**6), st.sampled_from(["ms", "s", "min", "h", "days"]))
def test_a_duration_written_out_is_read_back(number: int, unit: str) -> None:
    value_s = seconds(f"{number} {unit}")
    assert seconds(duration_text(value_s)) == pytest.approx(value_s, rel=1e-5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 per 90 days", Budget(1, 90 * SECONDS["days"], "s")),
        ("2 per year", Budget(2, SECONDS["years"], "s")),
        ("1 per 10000 records", Budget(1, 10_000, "records")),
        ("1 per 10_000 parts", Budget(1, 10_000, "parts")),
    ],
)
def test_a_budget_is_so_many_per_time_records_or_parts(text: str, expected: Budget) -> None:
    assert budget(text) == expected
    assert budget(str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("never", "isn't a budget"),
        ("1 in 90 days", "isn't a budget"),
        ("1 per 90 moons", "isn't a budget"),
        ("1 per 90 ", "isn't a budget"),
        ("0 per 90 days", "is no count"),
        ("1.5 per 90 days", "is no count"),
        ("1 per 0 days", "a minute"),
        ("1 per 0 records", "in 10 records"),
        ("1 per 2 parts", "in 10 parts"),
        ("1 per 12.5 records", "in 10 records"),
        ("1 per 30 s", "a minute"),
        ("1 per 101 years", "100 years"),
    ],
)
def test_a_budget_that_no_detector_could_have_is_refused(text: str, says: str) -> None:
    with pytest.raises(UnfitError, match=says):
        budget(text)


@pytest.mark.parametrize(
    "text", ["10 per s", "600 per min", "10 Hz", "10 Hz ", "36000 per h", "1 per 100 ms"]
)
def test_a_rate_may_be_written_as_people_do(text: str) -> None:
    assert Rate(0.1, 100).read(text) == pytest.approx(10)


@pytest.mark.parametrize(
    "value", ["10", 10, None, "10 per records", "1 per 0 s", "fast", "0 per s", "1000 Hz"]
)
def test_a_rate_without_a_unit_or_beyond_the_limits_is_refused(value: object) -> None:
    with pytest.raises(UnfitError):
        Rate(0.1, 100).read(value)


@pytest.mark.parametrize(
    ("text", "size"),
    [("8 MB", 8_000_000), ("64kB", 64_000), ("4 MiB", 4_194_304), ("1.5 KiB", 1536), ("2000 B", 2000)],
)
def test_a_size_is_read_as_it_is_written_and_told_again(text: str, size: int) -> None:
    assert Bytes("1 kB", "128 MB").read(text) == size
    assert size_bytes(size_text(size)) == size


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (8, "has no unit"),
        ("8", "isn't a size"),
        ("8 mb", "isn't a size"),
        ("8 Mbit", "isn't a size"),
        (None, "isn't a size"),
        ("-8 MB", "isn't a size"),
        ("999 B", "too small"),
        ("1000 MB", "too large"),
    ],
)
def test_a_size_without_a_unit_or_beyond_the_limits_is_refused(value: object, says: str) -> None:
    with pytest.raises(UnfitError, match=says):
        Bytes("1 kB", "128 MB").read(value)


def test_a_share_is_a_number_of_percent() -> None:
    assert Share("0.01 %", "20 %").read(" 0.5% ") == pytest.approx(0.005)
    assert Share("0.01 %", "20 %").read("20 %") == pytest.approx(0.2)


@pytest.mark.parametrize("value", ["0.5", 0.5, "half", "-1 %", "%", None, True, "0.001 %", "21 %", "0 %"])
def test_anything_else_is_no_share(value: object) -> None:
    with pytest.raises(UnfitError):
        Share("0.01 %", "20 %").read(value)
