"""What stands of each model besides its records, for `jidoka status`: out of enforce, an open window, known answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def lines(value: dict[str, Any]) -> Iterator[str]:
    """One sentence each, none where all is as the plan says. value: the steward's status."""
    for model in value.get("modes", []):
        if model["mode"] != model["planned"]:
            yield f"{model['id']}: out of {model['planned']} since somebody set it to {model['mode']}"
        left_s = (model["window_until_ns"] - value["now_ns"]) / 1e9 if model["window_until_ns"] else 0.0
        if left_s > 0:
            yield f"{model['id']}: a window for changing it is open for another {left_s / 60:.0f} min"
        elif model["announced"]:
            yield f"{model['id']}: one person announced a window; a second one opens it"
    for model, told in value.get("known_answers", {}).items():
        if told.get("passed") is not True:
            yield f"{model}: {told.get('text', '')}"
