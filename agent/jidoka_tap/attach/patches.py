"""Methods of somebody else's class, replaced in their place and put back: the class and its objects stay what they are."""

import functools
from typing import Any, Callable, List, NamedTuple

#: from the class's own method, the one that takes its place
Make = Callable[[Callable[..., Any]], Callable[..., Any]]


class Patch(NamedTuple):
    """One replaced method. owner: the class that defines it."""

    owner: type
    name: str
    original: Any
    ours: Any


class Patches:
    """What was replaced, to be put back by `undo`."""

    def __init__(self) -> None:
        self._done: List[Patch] = []

    def replace(self, cls: type, name: str, make: Make) -> None:
        """Replace a method where `cls` or a base of it defines it; one that there isn't, in an older version, is let be.

        Name, signature, annotations and documentation stay the method's own.
        """
        for owner in cls.__mro__:
            original = vars(owner).get(name)
            if original is not None:
                break
        else:
            return
        if not callable(original):
            return
        ours = functools.wraps(original)(make(original))
        setattr(owner, name, ours)
        self._done.append(Patch(owner, name, original, ours))

    def undo(self) -> None:
        """Put each method back; one that somebody else has replaced since is theirs, and stays."""
        while self._done:
            owner, name, original, ours = self._done.pop()
            if vars(owner).get(name) is ours:
                setattr(owner, name, original)
