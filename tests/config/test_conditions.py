"""The grammar of `when:`: what compiles into any_of and all_of, and what is refused with which words."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.config.conditions import BY_NAME, CONDITIONS, When, parse
from jidoka.config.faults import UnfitError


@pytest.mark.parametrize("name", BY_NAME)
def test_every_condition_of_the_table_is_known(name: str) -> None:
    assert parse(name) == When((name,), ())
    assert parse(f"  {name.upper().replace('(', ' ( ')} ") == When((name,), ())


@pytest.mark.parametrize(
    ("text", "any_of", "all_of"),
    [
        ("drift(all) or invalid output", ("drift(all)", "invalid output"), ()),
        ("drift(all) and invalid output", (), ("drift(all)", "invalid output")),
        ("(drift(all) or two writers) and no baseline", ("drift(all)", "two writers"), ("no baseline",)),
        ("no baseline and ((drift(all) or two writers))", ("drift(all)", "two writers"), ("no baseline",)),
        ("no baseline or no baseline", ("no baseline",), ()),
        ("(no baseline or two writers) and (no baseline or two writers)", ("no baseline", "two writers"), ()),
    ],
)
def test_or_and_and_become_any_of_and_all_of(
    text: str, any_of: tuple[str, ...], all_of: tuple[str, ...]
) -> None:
    assert parse(text) == When(any_of, all_of)


@pytest.mark.parametrize(
    ("text", "says", "remedy"),
    [
        (
            "drift(latency)",
            "'drift(latency)' isn't a condition",
            "drift(all), drift(input), drift(confidence)",
        ),
        ("drift", "'drift' isn't a condition", "drift(all)"),
        ("drift(inptu)", "isn't a condition", "Did you mean 'drift(input)'?"),
        ("no basline", "'no basline' isn't a condition", "Did you mean 'no baseline'?"),
        ("rain", "'rain' isn't a condition", "Known: drift(all)"),
        ("drift(all) or", "missing before the end", "Known"),
        ("or drift(all)", "missing before 'or'", "Known"),
        ("drift(all) drift(input)", "one too many", "Join"),
        ("(drift(all)", "isn't closed", "Add"),
        ("drift(all", "isn't closed", "Add"),
        ("drift(all))", "one too many", "Join"),
        ("()", "missing before ')'", "Known"),
        ("not no baseline", "`not`", "Leave it out"),
        ("no baseline or two writers and drift(all)", "can't be told", "two risks"),
        ("(no baseline or drift(all)) and (two writers or drift(input))", "can't be told", "two risks"),
        ("(" * 20 + "drift(all)" + ")" * 20, "too many parentheses", "two risks"),
        ("drift(all) or " * 60 + "drift(all)", "characters", "two risks"),
    ],
)
def test_what_is_refused_says_why_and_what_would_be_right(text: str, says: str, remedy: str) -> None:
    with pytest.raises(UnfitError) as caught:
        parse(text)
    assert says in caught.value.message
    assert remedy in caught.value.remedy


NAMES = [kind.name for kind in CONDITIONS]
EXPRESSIONS = st.recursive(
    st.sampled_from(NAMES),
    lambda inner: st.tuples(inner, st.sampled_from(["or", "and"]), inner).map(
        lambda each: f"({' '.join(each)})"
    ),
    max_leaves=5,
)


def compiled(text: str) -> When | UnfitError:
    try:
        return parse(text)
    except UnfitError as error:
        return error


@given(EXPRESSIONS)
def test_the_compiled_form_is_true_exactly_when_the_expression_is(text: str) -> None:
    when = compiled(text)
    if isinstance(when, UnfitError):
        assert "can't be told" in when.message
        return
    python, used = text, [name for name in NAMES if name in text]
    for index, name in enumerate(used):
        python = python.replace(name, f"on[{index}]")
    for on in itertools.product([False, True], repeat=len(used)):
        states = dict(zip(used, on, strict=True))
        some = not when.any_of or any(states[each] for each in when.any_of)
        assert (some and all(states[each] for each in when.all_of)) == eval(python, {"on": on})


@given(st.text(alphabet="()ordanift bseluvp", max_size=40) | st.text(max_size=40))
def test_garbage_is_refused_and_nothing_else_happens(text: str) -> None:
    found = compiled(text)
    assert isinstance(found, When) or (found.message and found.remedy)
