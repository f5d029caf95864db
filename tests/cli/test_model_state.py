"""What `jidoka status` says of a model beside its records."""

from __future__ import annotations

from typing import Any

from jidoka.cli.model_state import lines

S = 1_000_000_000


def model(**fields: Any) -> dict[str, Any]:
    return {
        "id": "eye",
        "mode": "enforce",
        "planned": "enforce",
        "window_until_ns": 0,
        "announced": False,
        **fields,
    }


def told(*models: dict[str, Any], **answers: dict[str, Any]) -> list[str]:
    return list(lines({"now_ns": 10 * S, "modes": list(models), "known_answers": answers}))


def test_nothing_is_said_where_all_is_as_the_plan_says() -> None:
    assert told(model(), eye={"passed": True, "text": "The model gave all 8 known answers."}) == []
    assert list(lines({"now_ns": 1})) == []


def test_a_model_out_of_enforce_a_window_and_wrong_answers_are_said() -> None:
    assert told(model(mode="observe")) == ["eye: out of enforce since somebody set it to observe"]
    assert told(model(window_until_ns=130 * S)) == ["eye: a window for changing it is open for another 2 min"]
    assert told(model(window_until_ns=9 * S)) == []
    assert told(model(announced=True)) == ["eye: one person announced a window; a second one opens it"]
    assert told(eye={"passed": False, "text": "They were wrong."}) == ["eye: They were wrong."]
    assert told(eye={"passed": None, "text": "Nobody can tell."}) == ["eye: Nobody can tell."]
