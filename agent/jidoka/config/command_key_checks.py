"""What must fit between keys of commands and the rest of the file."""

from __future__ import annotations

from collections.abc import Callable

from jidoka.config.case import Case, Found


def commands_have_a_way_in(case: Case) -> Found:
    """Commands come over the broker."""
    if case.config.commands and case.config.broker is None:
        yield case.fault(
            ("commands",), "nothing brings commands: there is no `broker:`", "Add it, or remove them."
        )


def keys_are_told_apart(case: Case) -> Found:
    """No two keys have one id."""
    seen: dict[str, int] = {}
    for index, key in enumerate(case.config.commands):
        if isinstance(key.id, str) and key.id in seen:
            line = case.document.place_of_value(("commands", seen[key.id], "id")).line
            problem = f"{key.id!r} is the id of another one, in line {line}"
            yield case.fault(("commands", index, "id"), problem, "Give each an id of its own.")
        if isinstance(key.id, str):
            seen.setdefault(key.id, index)


COMMAND_KEY_CHECKS: tuple[Callable[[Case], Found], ...] = (commands_have_a_way_in, keys_are_told_apart)
