"""Inputs of the guard's core: whatever goes wrong inside one, the machine ends in LOCKOUT and the guard lives on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from jidoka_bridge.guard.rules import settle
from jidoka_bridge.messages import MessageError

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

_P = ParamSpec("_P")
_R = TypeVar("_R")


def guarded(
    method: Callable[Concatenate[Guard, int, _P], _R],
) -> Callable[Concatenate[Guard, int, _P], _R | None]:
    """Wrap an input: settle after it. A message that can't be read is refused and recorded; None comes back then."""

    def safe(guard: Guard, now_ns: int, /, *args: _P.args, **kwargs: _P.kwargs) -> _R | None:
        try:
            outcome = method(guard, now_ns, *args, **kwargs)
            settle(guard, now_ns)
        except MessageError as error:
            guard.refuse_input(now_ns, str(error))
            return None
        except Exception as error:  # noqa: BLE001 - an unknown error must withhold, never end the beats
            guard.fail(now_ns, f"{type(error).__name__} in {method.__name__}: {error}")
            return None
        return outcome

    functools.update_wrapper(safe, method)
    return safe
