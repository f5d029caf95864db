"""Where explorations of the guard's core begin: roots by name, and the events that lead there from where nothing is lacking."""

from __future__ import annotations

#: the root without a readable latch file
LOST = "no latch file"
#: the root at which the PLC doesn't answer yet
UNLINKED = "no link"
#: events that lead to a root, where nothing is lacking
WAYS: dict[str, tuple[str, ...]] = {
    "running": ("press", "disk writes", "beat"),
    "advised": ("press", "beat", "advice on"),
    "fallen back": ("fallback ready", "beat", "press", "beat", "invalid on", "beat"),
    "held": ("press", "beat", "hold", "beat"),
    "locked out": ("press", "beat", "digest on", "beat"),
    "overridden": ("press", "beat", "key on", "beat", "beat"),
}
#: further roots: a way, and then what is lost or stuck already when the one event comes
LOSSES: dict[str, tuple[str, ...]] = {
    "a disk that is stuck": ("disk stuck",),
    "no record, a cause, a PLC that isn't ready": ("invalid on", "not ready", "steward lost", "beat", "beat"),
    "no link": ("link lost", "beat"),
    "no data": ("monitor lost", "beat", "beat"),
}
BEGUN = ("start", "running", "advised", "held", "locked out", "overridden")
LOST_ROOTS = tuple(f"{begun}, {lost}" for begun in BEGUN for lost in LOSSES)
READY_ROOTS = (*(f"{begun}, fallback ready" for begun in BEGUN), "fallen back without record")
for _begun in BEGUN:
    for _lost, _events in LOSSES.items():
        WAYS[f"{_begun}, {_lost}"] = (*WAYS.get(_begun, ()), *_events)
    WAYS[f"{_begun}, fallback ready"] = ("fallback ready", "beat", *WAYS.get(_begun, ()))
WAYS["fallen back without record"] = (
    "fallback ready",
    "beat",
    "press",
    "beat",
    "steward lost",
    "beat",
    "beat",
)
WAYS["proving"] = ("press", "beat")
WAYS["proving, fallback ready"] = ("fallback ready", "beat", "press", "beat")
