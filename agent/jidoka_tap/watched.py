"""Which sessions are watched, and by whom: a session that two watch would give every record twice."""

import weakref
from typing import Any, Callable, Dict, Optional, Tuple

#: by id of the session: who watches it, a reference that ends the claim with the session (None: it allows none), and
#: how it lets go (None: it doesn't)
_claims: Dict[int, Tuple[str, Any, Optional[Callable[[], None]]]] = {}


def claim(session: Any, by: str, let_go: Optional[Callable[[], None]] = None) -> None:
    """Note that `by` (a name for error messages, as "watch()") watches this session from now on.

    let_go: of a claim that gives way to one without it; called then. The claim ends with `release`, or with the
    session. Raises RuntimeError naming who watches it already.
    """
    key = id(session)
    try:
        reference = weakref.ref(session, lambda _: _claims.pop(key, None))
    except TypeError:  # a session that allows no weak references: whoever claims it must release it
        reference = None
    ours = (by, reference, let_go)
    holder = _claims.setdefault(key, ours)
    if holder is not ours and holder[2] is not None and let_go is None:
        _claims[key] = ours
        holder[2]()
    elif holder is not ours:
        raise RuntimeError(
            "this session is already watched, by %s: watch it once, and use that one everywhere" % holder[0]
        )


def release(session: Any) -> None:
    """End the claim on this session; without one, nothing happens."""
    _claims.pop(id(session), None)


def watched_by(session: Any) -> str:
    """Who watches this session; "" for nobody."""
    return _claims.get(id(session), ("", None, None))[0]
