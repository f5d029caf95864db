"""Fast saving and bringing back of a graph of objects, in place: some 30 µs where `copy.deepcopy` takes 5 ms.

A snapshot holds, of each object that can change and is reachable from the root, a shallow copy of what it held.
Bringing back writes these copies into the same objects, so it may be done any number of times and in any order.
Copies that are the same as in the snapshot before are shared with it. Objects of an unknown kind are an error: an
object that were passed over would leak from one branch of a search into another.
"""

from __future__ import annotations

import enum
import types
from collections import Counter, deque
from dataclasses import is_dataclass
from operator import is_
from typing import Any

ATOMS: set[type] = {
    int, str, bool, float, bytes, type(None), type, frozenset, range,
    types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MappingProxyType, types.ModuleType,
}  # fmt: skip
OBJECT, SEQUENCE, MAPPING, SET, BYTES, TUPLE, ATOM = range(7)
_KINDS: dict[type, int] = {
    list: SEQUENCE,
    deque: SEQUENCE,
    dict: MAPPING,
    Counter: MAPPING,
    set: SET,
    bytearray: BYTES,
    tuple: TUPLE,
    **dict.fromkeys(ATOMS, ATOM),
}

#: objects in the order they were met, and what each held
Snapshot = tuple[tuple[Any, ...], list[Any]]


def kind_of(value: Any) -> int:
    """How a value is saved. Raises TypeError for a kind of object that isn't known to be safe."""
    cls = type(value)
    kind = _KINDS.get(cls)
    if kind is None:
        kind = _KINDS[cls] = _new_kind(cls)
    return kind


def _new_kind(cls: type) -> int:
    if issubclass(cls, enum.Enum):
        return ATOM
    if issubclass(cls, tuple):
        return TUPLE
    if is_dataclass(cls) and cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return ATOM
    if hasattr(cls, "__slots__") and "__dict__" not in dir(cls):
        raise TypeError(f"{cls.__qualname__} has slots: teach tools/exploring/snapshot.py to save it")
    if cls.__module__.split(".")[0] not in ("jidoka_bridge", "jidoka", "tools", "tests", "__main__"):
        raise TypeError(f"{cls.__module__}.{cls.__qualname__}: teach tools/exploring/snapshot.py to save it")
    return OBJECT


def _children(value: Any, kind: int) -> Any:
    if kind == OBJECT:
        return value.__dict__.values()
    if kind == MAPPING:
        return value.values()
    return () if kind == BYTES else value


def _held(value: Any, kind: int) -> Any:
    if kind == OBJECT:
        return value.__dict__.copy()
    if kind == MAPPING:
        return dict(value)
    if kind == SET:
        return frozenset(value)
    return bytes(value) if kind == BYTES else tuple(value)


def _is_same(old: Any, new: Any, kind: int) -> bool:
    if len(old) != len(new):
        return False
    if kind in (OBJECT, MAPPING):
        return all(map(is_, old.values(), new.values())) and all(map(is_, old, new))
    return bool(old == new) if kind in (BYTES, SET) else all(map(is_, old, new))


def save(root: Any, before: Snapshot | None = None) -> Snapshot:
    """What everything reachable from `root` holds now. before: a snapshot to share memory with, of the same root."""
    return (_same_nodes(before) if before else None) or _whole(root, before)


def _same_nodes(before: Snapshot) -> Snapshot | None:
    """What the objects of a snapshot hold now; None where one of them holds an object that isn't among them."""
    nodes, old_held = before
    known = set(map(id, nodes))
    kinds = _KINDS
    held = []
    for node, was in zip(nodes, old_held, strict=True):
        kind = kinds[type(node)]
        new = _held(node, kind)
        if _is_same(was, new, kind):
            held.append(was)
            continue
        for child in _children(node, kind):
            if kinds.get(type(child), -1) != ATOM and id(child) not in known:
                return None
        held.append(new)
    return nodes, held


def _whole(root: Any, before: Snapshot | None) -> Snapshot:
    """Go through everything that is reachable."""
    nodes: list[Any] = []
    seen = {id(root)}
    waiting = [root]
    kinds = _KINDS
    while waiting:
        node = waiting.pop()
        kind = kind_of(node)
        if kind != TUPLE:
            nodes.append(node)
        for child in _children(node, kind):
            child_kind = kinds.get(type(child), -1)
            if child_kind == ATOM or (child_kind == -1 and kind_of(child) == ATOM):
                continue
            if id(child) not in seen:
                seen.add(id(child))
                waiting.append(child)
    old_nodes, old_held = before or ((), [])
    old = dict(zip(map(id, old_nodes), old_held, strict=True))
    held = []
    for node in nodes:
        kind = kinds[type(node)]
        new = _held(node, kind)
        was = old.get(id(node))
        held.append(was if was is not None and _is_same(was, new, kind) else new)
    is_same_nodes = len(nodes) == len(old_nodes) and all(map(is_, nodes, old_nodes))
    return (old_nodes if is_same_nodes else tuple(nodes)), held


def bring_back(snapshot: Snapshot) -> None:
    """Write everything back as it was."""
    for node, held in zip(*snapshot, strict=True):
        cls = type(node)
        kind = _KINDS[cls]
        if kind == OBJECT:
            node.__dict__ = held.copy()
        elif kind == SEQUENCE:
            if len(node) != len(held) or not all(map(is_, node, held)):
                node.clear()
                node.extend(held)
        else:
            if kind == BYTES:
                node[:] = held
                continue
            node.clear()
            node.update(held)


def never_changes(cls: type) -> None:
    """Objects of this class are passed over: they don't change, or what changes in them decides nothing."""
    _KINDS[cls] = ATOM
