"""WELCOME as the C library reads it: what the Python tap understands of it, and nothing hostile does harm."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jidoka_tap import wire
from jidoka_tap.terms import terms_of

from tests.tap.c import library

INPUTS, OUTPUTS = ["a", "b", "größe"], ["a", "\N{STEAM LOCOMOTIVE}", '"c\\']
Read = Callable[[list[bytes]], list[str]]
SANITIZED = "-fsanitize=address,undefined -fno-sanitize-recover=all"


@pytest.fixture(scope="module")
def read(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """What the library makes of each body, in a program that ends at the first byte that isn't its own."""
    del built  # only so that this skips where there is no compiler
    folder = tmp_path_factory.mktemp("terms")
    library.make(folder, "all", extra=SANITIZED)
    program = library.compile_program(folder, library.HERE / "read_terms.c", *SANITIZED.split())

    def run(bodies: list[bytes]) -> list[str]:
        framed = b"".join(struct.pack("<I", len(body)) + body for body in bodies)
        done = subprocess.run([str(program)], input=framed, capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode(errors="replace").split("\n")[:-1]

    return run


def python_says(welcome: dict[str, Any]) -> str:
    try:
        terms = terms_of(welcome)
    except wire.WireError:
        return "bad"
    roi = terms.roi or (0, 0, 0, 0)
    wants = [
        "".join(str(int(wanted is None or name in wanted)) for name in names)
        for names, wanted in ((INPUTS, terms.inputs), (OUTPUTS, terms.outputs))
    ]
    reasons = "".join(f" {bit}={text}" for bit, text in terms.reasons if text)
    return (
        f"every {terms.every} roi {int(terms.roi is not None)} {' '.join(map(str, roi))} "
        f"limit {terms.inline_limit_bytes} arena {terms.slots} {terms.slot_bytes} in {wants[0]} out {wants[1]}{reasons}"
    )


NUMBERS = st.sampled_from(
    [0, 1, 2, 3, 64, 65, 100, 128, 60_000, 60_001, -1, 1.5, 2**20, 2**30, 2**31, "1", None, True]
)
COUNTS = st.integers(0, 70) | NUMBERS
WORDS = st.sampled_from([*INPUTS, *OUTPUTS, "", "aa", "\0", "\x07\u2028"])
ANY: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
WELCOMES = st.fixed_dictionaries(
    {},
    optional={
        "every": COUNTS.filter(lambda each: each is not True),
        "inline_limit_bytes": st.integers(0, 60_001) | st.just(-1),
        "roi": st.none() | st.lists(st.integers(0, 2000) | st.just(-1), min_size=3, max_size=5),
        "arena": st.none()
        | st.fixed_dictionaries(
            {"slots": COUNTS.filter(lambda each: each is not True)},
            optional={"slot_bytes": NUMBERS.filter(lambda each: each is not True), "more": ANY},
        ),
        "wanted": st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "inputs": st.none() | st.lists(WORDS, max_size=4),
                "outputs": st.none() | st.lists(WORDS),
            },
        ),
        "reasons": st.dictionaries(
            st.integers(0, 33).map(str) | st.sampled_from(["x", "", "-1"]),
            st.text(
                st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\x85"), max_size=40
            ),
            max_size=4,
        ),
        "notes": st.lists(WORDS, max_size=3),
        "mode": ANY,
        "model": ANY,
    },
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(WELCOMES, min_size=20, max_size=60), st.booleans(), st.sampled_from([None, 1]))
def test_the_python_tap_understands_the_same(
    read: Read, welcomes: list[dict[str, Any]], is_ascii: bool, indent: int | None
) -> None:
    bodies = [json.dumps(each, ensure_ascii=is_ascii, indent=indent).encode() for each in welcomes]
    assert read(bodies) == [python_says(each) for each in welcomes]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(WELCOMES, st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), max_size=4)),
        max_size=60,
    )
)
def test_bodies_that_are_cut_and_scribbled_on_do_no_harm(
    read: Read, cases: list[tuple[dict[str, Any], list[tuple[int, bytes]]]]
) -> None:
    bodies = []
    for welcome, changes in cases:
        body = json.dumps(welcome).encode()
        for at, scribble in changes:
            body = body[:at] + scribble + (body[at + 1 :] if at % 3 else b"")
        bodies.append(body)
    assert len(read(bodies)) == len(bodies)


HOSTILE = [
    b"", b"{", b"[" * 60_000, b'{"x":' * 10_000, b'{"every":' + b"9" * 50_000 + b"}", b'{"every":1e3}', b'{"every":}',
    b'{"a":"\\ud83d"}', b'{"notes":["\\ud83d\\u0041\\udc00"]}', b'{"a":"\\u12', b'{"a":"\\', b'{"a":"', b'{"a"', b"{} x",
    b'{"roi":[1,2,3]}', b'{"roi":[1,2,3,4,5]}', b'{"roi":{}}', b'{"arena":[]}', b'{"arena":{"slots":64,"slot_bytes":1073741824}}',
    b'{"wanted":[]}', b'{"reasons":{"32":"x"}}', b'{"reasons":{"0":1}}', b'{"every":1,}', b'{,"every":1}', b'{"every" 1}',
    b'{"every":1 "roi":null}', b"{}\0", b'{"every":-0}',
]  # fmt: skip


def test_hostile_bodies_are_refused_or_read_plainly(read: Read) -> None:
    said = dict(zip(HOSTILE, read(HOSTILE), strict=True))
    plain = {b'{"a":"\\ud83d"}', b'{"notes":["\\ud83d\\u0041\\udc00"]}'}
    assert {body for body, text in said.items() if text != "bad"} == plain


def test_reasons_that_are_too_long_are_cut(read: Read) -> None:
    (said,) = read([json.dumps({"reasons": {"4": "é" * 200}}, ensure_ascii=True).encode()])
    assert said.endswith(" 4=" + "é" * 79)
