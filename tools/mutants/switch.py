"""Stands in a mutated module where mutmut's own trampoline would: calls the original, or the mutant that was switched on.

Unlike that one it is switched in the process that tries the mutant, once, so that a call costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

#: of one function, by name in its module; under ORIGINAL the one that is called
MutantDict = dict[str, Callable[..., Any]]
ORIGINAL = "_mutmut_orig"

#: places (module.Class.function) that were called since it was emptied
called: set[str] = set()
_by_place: dict[str, MutantDict] = {}


def wrap_in_trampoline(
    mutants: MutantDict, is_classmethod: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The decorator that mutmut writes before a mutated function."""

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        place = f"{function.__module__}.{function.__qualname__}"
        _by_place[place] = mutants

        @wraps(function)
        def of_function(*args: Any, **kwargs: Any) -> Any:
            called.add(place)
            return mutants[ORIGINAL](*args, **kwargs)

        @wraps(function)
        def of_class(*args: Any, **kwargs: Any) -> Any:
            called.add(place)
            return getattr(args[0], mutants[ORIGINAL].__name__)(*args[1:], **kwargs)

        return of_class if is_classmethod else of_function

    return decorated


def switch_on(place: str, name: str) -> None:
    """From now on, in this process."""
    mutants = _by_place[place]
    mutants[ORIGINAL] = mutants[name]
