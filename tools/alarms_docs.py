"""Writes docs/alarms.md: the alarm table and every rule with its figures, from the data that the steward runs by.

python tools/alarms_docs.py [--check]      --check: change nothing; exit 1 if the page is stale
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from jidoka.alarms import acts, definition, facts, flood, signal, table
from jidoka.cli.alarm_screen import REACHES
from jidoka.config.quantities import duration_text
from jidoka.steward.own_alarms import OF_COMMANDS, OWN
from jidoka_bridge.roles import ENTITLED, ROLES, SHELVE_REASONS

TARGET = Path(__file__).resolve().parents[1] / "docs" / "alarms.md"
LETTERS = {state: state.value for state in table.State}

PAGE = """\
# Alarms

Made by `python tools/alarms_docs.py` from the tables in the code; change those, not this page.

An alarm tells a person of something that needs a response. Its life follows ISA-18.2 / IEC 62682 (from public descriptions;
the paid texts weren't read). An alarm of the **trip class** stopped the machine, or took the model's outputs away: its state
is the guard's own record of the cause, so alarm and interlock can't disagree. All others are the steward's: they are kept in
the ledger and outlive a kill.

## How to work with them

The commands ask the device whose plan `jidoka run` wrote to `/var/lib/jidoka/plan.json`. With a `state_dir` of your own, say
once in each shell: `export JIDOKA_PLAN=STATE_DIR/plan.json`.

- `jidoka alarm list` shows what a panel shows: priority (H, M, L), state, since when, who acknowledged it and why. What is
  silent has a list of its own: who did it, why, and until when. `jidoka status` shows them beside the interlock.
- **Acknowledge** with a reason, at the revision that you saw: `jidoka ack R-03 --revision 2 --reason "cause found"`. An alarm
  that changed since is refused: look again. It means *I have seen it*, not *it is gone*: an alarm goes only when its condition
  does. Of a trip alarm it opens the reset; the reset itself is a button at the machine.
- **Several at once** are a list of what you have read, each with its revision: `jidoka ack R-03@2 R-05@1 "local hold@1" --reason 2`;
  `jidoka ack` and `jidoka alarm list` print that line ready made. Each is decided by itself: what changed since is refused, the
  others count, and what isn't on the list is left alone. There is no "all".
- A mistake is taken back by the same role: `jidoka ack R-03 --revision 2 --unack`. From elsewhere (`--remote`) a trip alarm is
  only marked as seen.
- **Shelve** what you know of and can't mend now: `jidoka alarm shelve R-05 --for "2 h" --reason 1`. A shelf has a reason and an
  end: {shelf} where nothing is said, and at most {shelf} too unless `alarms: shelve_at_most` allows more, up to {shift}; and no new
  end while it lasts. It ends early if the alarm gets worse, or if the clock is set. When it ends what is active sounds. A trip alarm can't be shelved. Reasons: {reasons}. What you write beside the
  reason (`--text`) is in the list until it is erased from the ledger's side file; it never leaves the device.
- **Out of service** is maintenance's: `jidoka alarm out R-05 --for "8 h" --permit P-1734 --role maintenance`, with a permit and an
  end, {service} at most.
- `jidoka alarm load` shows what the alarms of the last 30 days asked of people, beside the figures of ISA-18.2.

While an alarm is shelved, suppressed or out of service its life goes on in the record; only nobody hears it.

## States

{states}

Whether there is **data** is told beside the state: an alarm whose source is silent keeps its letter, is marked `no data`, and
never counts as good news. It is judged again from fresh data only.

## What each event does

The next state, and what people hear and see: **S** sound and flash, f flash, s steady, log only the record. `=` nothing changes;
`–` can't happen (it is refused if it does); T the trip class while its cause holds the machine.

{table}

Where an alarm goes that isn't silent any more, by what is underneath:

{leaves}

## Delays and chatter

A trip alarm is never delayed. Another one comes after its row's `on_delay`, and goes after its `off_delay` ({off_delay} where nothing
is said). A row that only observes a drift may have a `dead_band`. What chatters gets longer delays by this declared rule,
the mark `chattering`, and one low alarm for maintenance:

{chatter}

The off-delay is lengthened much, for it only keeps an alarm that is there; the on-delay little, for it hides. That an alarm
chatters stands in its record (`chatter`), so a restart doesn't make it ring again.

## Called again

An alarm that nobody acknowledges is called again after {realarm}, each time after twice as long, up to {longest}, and
escalated: {escalation}. An acknowledged one that is active for {stale} is stale: it must be acknowledged again. A stale trip
alarm sounds too, and stays as the guard's record has it. One that waits for the reset only flashes, once in {longest}.

## Flood

More than {flood_above} alarms in ten minutes are a flood, until fewer than {flood_below} are. Then the list is by priority with the first
first, and each priority sounds once until somebody acknowledges one of it. Nothing is dropped. Its beginning and its end are
entries of the ledger of their own (`flood`), and one that was on before a restart goes on.

## Suppression

A row's `suppressed_while` names {facts}, or other rows. While one of these holds the row's alarm is silent: never while its
cause holds the machine, never by an alarm that is itself silent, and never by what nobody knows. When the rule ends what is
there sounds; what is gone, and waits for its off-delay only, flashes once that is over. The rules are part of the plan, whose
digest stands in the record.

## Trace and replay

With `JIDOKA_ALARM_TRACE=FILE` set before it starts, the steward writes down every input of the alarms with its outcome, up to
64 MiB (days), never a word that somebody wrote freely. `jidoka alarm replay FILE` runs the alarms from it: the same inputs must
give the same entries, bit for bit; else it ends with code 1 and the first difference.

## The agent's own alarms

{own}

## Who may do what

{entitled}

## Figures of ISA-18.2

{reaches}

Of the priorities about 80 % should be low, 15 % medium, 5 % high. What a month costs in simulation stands in
[figures.md](figures.md).
"""


def document() -> str:
    """The whole page."""
    calls = ", ".join(f"{span(length)} ({name})" for name, length in reversed(definition.REALARM_NS.items()))
    return PAGE.format(
        shelf=span(acts.SHELF_NS),
        shift=span(acts.SHIFT_NS),
        service=span(acts.LONGEST_SERVICE_NS),
        reasons=", ".join(f"{number} {reason}" for number, reason in enumerate(SHELVE_REASONS, 1)),
        states=grid(
            ("letter", "meaning"), [(f"**{each.value}**", text) for each, text in table.MEANING.items()]
        ),
        table=grid(("event", *LETTERS.values()), [(event.value, *cells(event)) for event in table.Event]),
        leaves=grid(("event", *(each.value for each in table.LIFE)), list(leaves())),
        off_delay=span(definition.OFF_DELAY_NS),
        chatter=grid(
            ("came", "on-delay at least", "off-delay at least", "until it was quiet for"),
            [
                (f"{row.strikes} times in {span(row.window_ns)}", *map(span, row[2:]))
                for row in signal.CHATTER
            ],
        ),
        realarm=calls,
        longest=span(definition.LONGEST_REALARM_NS),
        escalation=", then ".join(definition.ESCALATION),
        stale=span(definition.STALE_NS),
        flood_above=flood.BEGINS_ABOVE,
        flood_below=flood.ENDS_BELOW,
        facts=", ".join(f"`{each}`" for each in facts.FACTS),
        own=grid(("alarm", "priority", "what it says", "what to do"), [row[:4] for row in OWN + OF_COMMANDS]),
        entitled=grid(
            ("act", "roles"),
            [
                (act, ", ".join(role for role in ROLES if role in ENTITLED[act]))
                for act in ("acknowledge", "shelve", "out of service")
            ],
        ),
        reaches=grid(
            ("figure", "at most"),
            [(row.text, f"{row.most * (100 if row.unit else 1):g} {row.unit}".strip()) for row in REACHES],
        ),
    )


def cells(event: table.Event) -> list[str]:
    """One row of the table, in short."""
    return [cell(state, table.TABLE[event][state]) for state in table.State]


def cell(state: table.State, told: table.Cell) -> str:
    """One cell: next state and annunciation, or why not."""
    if told.no:
        return "–"
    if told.refused:
        return f"refused: {told.refused}"
    if told.leaves is not None:
        return "leaves, see below"
    sign = "" if told.sign is table.Annunciation.NOTHING else f", {shown(told.sign)}"
    if told.runs:
        return f"= (goes on underneath){sign}"
    to = "=" if told.to is state and told.trip_to in {None, state} else told.to.value
    trip = f" ({told.trip_to.value if told.trip_to is not state else '='} if T)" if told.trip_to else ""
    refused = f"; T refused: {told.trip_refused}" if told.trip_refused else ""
    return f"{to}{trip}{sign}{', counted' if told.counts else ''}{refused}"


def leaves() -> Iterable[Sequence[str]]:
    """Events that end silence."""
    for event, row in table.TABLE.items():
        for told in row.values():
            if told.leaves is not None:
                ends = [told.leaves[each] for each in table.LIFE]
                yield event.value, *(end(each) for each in ends)


def end(left: table.Leave) -> str:
    sign = "" if left.sign is table.Annunciation.NOTHING else f", {shown(left.sign)}"
    return f"{left.to.value}{sign}"


def shown(sign: table.Annunciation) -> str:
    return f"**{sign.value}**" if sign is table.Annunciation.SOUND else sign.value


def span(length_ns: int) -> str:
    return duration_text(length_ns / definition.SECOND_NS)


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(text.replace('|', chr(92) + '|') for text in row)} |" for row in rows]
    return "\n".join(lines)


def main() -> int:
    """Write, or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the page is stale")
    text = document()
    if not parser.parse_args().check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        print(
            f"{TARGET.name} is stale: run python tools/alarms_docs.py and commit what it writes",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
