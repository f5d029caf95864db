"""The canonical form of a graph of objects: equal for two situations exactly when they go on alike.

What differs without a difference is taken out: a time becomes its age, cut off where every deadline is over; numbers
that only count up become their distance; texts for people are left out. Everything that isn't named in the rules
takes part as it is, so that what is new in the program takes part by itself; at worst a search doesn't close then.
"""

from __future__ import annotations

import enum
import marshal
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from hashlib import blake2b
from typing import Any

#: absolute times are above, durations below it; searches begin at twice this
BASE_NS = 10**15

#: what stands for one attribute: (object, value, form) -> what takes part
Rule = Callable[[Any, Any, Any], Any]


def drop(_: Any, __: Any, ___: Form) -> Any:
    """The attribute decides nothing."""
    return None


def truth(_: Any, value: Any, __: Form) -> Any:
    """Only whether there is something."""
    return bool(value)


class Form:
    """Makes keys. rules: by class and attribute; limits_ns: deadline that a time of this name is held against.

    cap_ns: for times without a limit of their own; a limit of 0: the time decides nothing. `now_ns` is set by the
    caller.
    """

    def __init__(
        self,
        rules: Mapping[str, Mapping[str, Rule]],
        limits_ns: Mapping[str, int],
        cap_ns: int,
    ) -> None:
        self.now_ns = 0
        self.is_named = False
        self._rules = rules
        self.limits_ns = limits_ns
        self._cap_ns = cap_ns
        self._plans: dict[type, tuple[int, Callable[[Any, Any], Any], list[str]]] = {}
        self._makers: dict[type, Callable[[Any, int], Any]] = {}
        self._seen: set[int] = set()

    def of(self, root: Any, now_ns: int) -> tuple[Any, ...]:
        """The canonical form of everything reachable from `root`."""
        self.now_ns = now_ns
        self._seen = set()
        return self.value(root, self._cap_ns)  # type: ignore[no-any-return]

    def key(self, root: Any, now_ns: int) -> bytes:
        """16 bytes that stand for the form."""
        return blake2b(marshal.dumps(self.of(root, now_ns), 0), digest_size=16).digest()

    def age(self, value: int, limit_ns: int) -> int:
        """A time as its age, a duration as it is; both cut off above the limit. -1: never."""
        if value == 0:
            return -1
        aged = self.now_ns - value if value >= BASE_NS else value
        return aged if aged <= limit_ns else limit_ns + 1

    def value(self, value: Any, limit_ns: int) -> Any:
        """Any value: numbers by `limit_ns` if they are times, objects by their rules."""
        cls = type(value)
        if cls is int:
            return self.age(value, limit_ns) if value >= BASE_NS else value
        if value is None or cls is bool or cls is str:
            return value
        maker = self._makers.get(cls)
        if maker is None:
            maker = self._makers[cls] = self._maker(cls, value)
        return maker(value, limit_ns)

    def _maker(self, cls: type, value: Any) -> Callable[[Any, int], Any]:
        """How values of a class are formed."""
        if issubclass(cls, enum.Enum):
            return (lambda value, _: int(value)) if issubclass(cls, int) else (lambda value, _: value.name)
        if cls in (float, bytes):
            return lambda value, _: value
        if cls is bytearray:
            return lambda value, _: bytes(value)
        if issubclass(cls, tuple):
            return lambda value, limit_ns: tuple([self.value(each, limit_ns) for each in value])
        if cls in (set, frozenset):
            return lambda value, _: tuple(sorted(map(str, value)))
        if cls in (list, deque):
            return self._once(lambda value, limit_ns: tuple([self.value(each, limit_ns) for each in value]))
        if issubclass(cls, dict):
            return self._once(self._mapping)
        if callable(value):
            return lambda _, __: None  # a way to make something, fixed when it was made
        frozen = is_dataclass(cls) and cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
        return self._of_object if frozen else self._once(self._of_object)

    def _once(self, maker: Callable[[Any, int], Any]) -> Callable[[Any, int], Any]:
        """An object that is reached twice is formed once."""

        def make(value: Any, limit_ns: int) -> Any:
            if id(value) in self._seen:
                return "…"
            self._seen.add(id(value))
            return maker(value, limit_ns)

        return make

    def _mapping(self, value: Mapping[Any, Any], limit_ns: int) -> Any:
        return tuple([(str(name), self.value(value[name], limit_ns)) for name in sorted(value, key=str)])

    def _of_object(self, value: Any, _: int) -> Any:
        cls, held = type(value), value.__dict__
        known = self._plans.get(cls)
        if known is None or known[0] != len(held):
            known = self._plans[cls] = (len(held), *self._plan(cls, held))
        found = known[1](value, held)
        return dict(zip(known[2], found, strict=True)) if self.is_named else found

    def _plan(self, cls: type, held: Mapping[str, Any]) -> tuple[Callable[[Any, Any], Any], list[str]]:
        """A function that forms an object of this class, made as source once, and the names of what it returns."""
        rules: dict[str, Rule] = {}
        for each in reversed(cls.__mro__):
            rules.update(self._rules.get(each.__name__, {}))
        names, parts = [], []
        scope: dict[str, Any] = {"form": self, "age": self.age, "value": self.value}
        for number, name in enumerate(held):
            rule = rules.get(name)
            limit_ns = self.limits_ns.get(name, self._cap_ns if name.endswith(("_ns", "_ms")) else -1)
            if rule is drop or (rule is None and limit_ns == 0):
                continue
            names.append(f"{cls.__name__}.{name}")
            if rule is not None:
                scope[f"rule{number}"] = rule
                parts.append(f"rule{number}(o, d[{name!r}], form)")
            elif limit_ns > 0:
                parts.append(
                    f"(age(v, {limit_ns}) if (v := d[{name!r}]).__class__ is int else value(v, {limit_ns}))"
                )
            else:
                plain = "v is None or v.__class__ is bool or v.__class__ is str"
                parts.append(f"(v if (v := d[{name!r}]) is None or {plain} else value(v, {self._cap_ns}))")
        return eval(f"lambda o, d: ({' '.join(f'{part},' for part in parts)})", scope), names


def leaves(form: Any, path: str = "") -> dict[str, Any]:
    """A named form as one value per path: to find out what keeps a search from closing."""
    if isinstance(form, dict):
        return {
            key: leaf for name, each in form.items() for key, leaf in leaves(each, f"{path}/{name}").items()
        }
    if isinstance(form, tuple) and any(isinstance(each, dict | tuple) for each in form):
        return {
            key: leaf
            for number, each in enumerate(form)
            for key, leaf in leaves(each, f"{path}/{number}").items()
        }
    return {path: form}
