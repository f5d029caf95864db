"""Why some cells of the two tables aren't met by the exploration, and why some flipped cells break nothing, by name."""

from __future__ import annotations

from jidoka.alarms.table import Event

#: (event, state), (event, *) or (*, state) -> why
Reasons = dict[tuple[str, str], str]

_BEGINS = "a new process begins in START_UP, or in LOCKOUT by its latch file"
_ONCE = "the self-test passes once, before anything is permitted"
_NOT_OFFERED = (
    "no reset is on offer there: a press is `reset refused`, and in RUN and ADVISE it means nothing"
)
_UNDER_WAY = "a reset is under way only where one is on offer; what ends it comes first"

INTERLOCK: Reasons = {
    ("restart", "*"): _BEGINS,
    ("self-test passed", "*"): _ONCE,
    ("self-test passed, held", "*"): _ONCE,
    ("self-test passed, key on", "*"): _ONCE,
    ("reset to run", "*"): _NOT_OFFERED,
    ("reset to advise", "*"): _NOT_OFFERED,
    ("reset to fallback", "*"): _NOT_OFFERED,
    ("reset to proving run", "*"): _NOT_OFFERED,
    ("reset refused", "RUN"): _NOT_OFFERED,
    ("reset refused", "ADVISE"): _NOT_OFFERED,
    ("raise cancelled", "*"): _UNDER_WAY,
}

_TRUE = "the condition is true already"
_FALSE = "the condition is false already"
_SEVERITY = "severity changes only while the condition holds"
ALARM: Reasons = {
    (Event.TRUE.value, "B"): _TRUE,
    (Event.TRUE.value, "C"): _TRUE,
    (Event.FALSE.value, "A"): _FALSE,
    (Event.FALSE.value, "D"): _FALSE,
    (Event.FALSE.value, "L"): _FALSE,
    **{(event.value, state): _SEVERITY for event in (Event.SEVERITY_RISES, Event.SEVERITY_FALLS) for state in "ADL"},
    (Event.SHELVE.value, "E, trip"): "a trip alarm is never shelved",
}  # fmt: skip

#: a flipped cell that breaks nothing: it is equivalent, or a second defence holds
_KEY = (
    "the key alone governs there, ABSTAIN permits as little as WITHHOLD; while the key is on, its level brings OVERRIDE back"
    " in the same turn, before anything is written"
)
_PATH = "a fallback path that isn't ready leads to HOLD in the same turn, by a row of its own"
INTERLOCK_FLIPS: Reasons = {
    ("*", "OVERRIDE"): _KEY,
    (
        "override key on",
        "*",
    ): "the key's level is read again in the same turn, and the state come to has its own cell",
    ("planned stop", "*"): "while it is being stopped the guard withholds, whatever the state",
    (
        "self-test passed, held",
        "START_UP",
    ): "START_UP permits as little as HOLD, and a reset asks for the same",
    ("self-test passed, key on", "*"): _KEY,
    ("fallback cause on, none", "FALLBACK"): _PATH,
    ("no data, none", "FALLBACK"): _PATH,
    ("model changed, none", "FALLBACK"): _PATH,
    ("model left enforce, none", "FALLBACK"): _PATH,
    ("mode set", "FALLBACK"): "a model that left enforce takes A away in the same turn, by a row of its own",
    (
        "reset to run",
        "*",
    ): "it gives all that there is; a content that gives nothing is a dead end (seeded by hand, found by L1)",
    ("reset to advise", "*"): "ADVISE permits what RUN permits, and where it is refused no press leads to it",
}
ALARM_FLIPS: Reasons = {}
