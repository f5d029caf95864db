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

_NO_LOCKOUT = "refused before the table is asked, as `unlock refused`"
_CHANGE = "refused before the table is asked, as `change refused`"
_ANSWERS = "refused before the table is asked, as `message refused`"
_PATH_ONLY = "asked for only where the plant's own program runs: in FALLBACK outside of a proving run"
_A_BEAT_BEFORE = (
    "it is told between beats, and a fallback path that is gone has led to HOLD at the beat that showed it"
)
_IS_GIVEN = "with it nothing is permitted, and a reset asks for its end"
_IS_MOST = "nothing is more than what is written there"
_ALL_GONE = "whatever was acknowledged there is cleared by the reset: nothing is left to be taken back"
_READ_BACK = "a reset asks for a read-back that is equal, so the withdrawal has ended before"

INTERLOCK: Reasons = {
    ("engineer unlock", "*"): _NO_LOCKOUT,
    ("fallback path lost", "*"): _PATH_ONLY,
    ("known answers announced", "LOCKOUT"): _CHANGE,
    ("known answers announced", "OVERRIDE"): _CHANGE,
    ("known answers passed", "LOCKOUT"): _ANSWERS,
    ("known answers passed", "OVERRIDE"): _ANSWERS,
    ("window announced", "LOCKOUT"): _CHANGE,
    ("window open", "LOCKOUT"): _CHANGE,
    ("model changed, none", "FALLBACK"): _A_BEAT_BEFORE,
    ("model left enforce, none", "FALLBACK"): _A_BEAT_BEFORE,
    ("window over, not approved", "RUN"): "a changed file has taken A away in the turn in which it was told",
    (
        "window over, not approved",
        "ADVISE",
    ): "a changed file has taken A away in the turn in which it was told",
    ("override key on", "OVERRIDE"): "the key is on already: its level is compared before the table is asked",
    ("plc ready", "RUN"): _IS_GIVEN,
    ("plc ready", "ADVISE"): _IS_GIVEN,
    ("plc ready", "FALLBACK"): _IS_GIVEN,
    ("cause off", "RUN"): "a trip cause has taken M or A away, and with an advice the state is ADVISE",
    ("advise cause off", "RUN"): "with an advice the state is ADVISE",
    **{
        ("read-back less", state): "nothing is written there that the output could be less than"
        for state in ("START_UP", "HOLD", "LOCKOUT", "OVERRIDE")
    },
    ("read-back more", "RUN"): _IS_MOST,
    ("read-back more", "ADVISE"): _IS_MOST,
    ("read-back more", "OVERRIDE"): "with the key on the output is a human's and isn't compared",
    ("acknowledge taken back", "RUN"): _ALL_GONE,
    ("withdrawn", "RUN"): _READ_BACK,
    ("withdrawn", "ADVISE"): _READ_BACK,
    (
        "withdrawn",
        "START_UP",
    ): "a guard that is being stopped compares nothing any more, and a new one has withdrawn nothing",
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
    (Event.SHELVE.value, "L"): "only a trip alarm waits for the reset: its own cell is met",
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
