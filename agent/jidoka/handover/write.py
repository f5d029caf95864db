"""The whole folder for the PLC's programmer: made in memory, the same bytes for the same site, then written at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

from jidoka_bridge.errors import ConfigurationError
from jidoka_bridge.plan import Plan

from jidoka import __version__
from jidoka.commissioning.reaction import Reaction
from jidoka.commissioning.ways import Line
from jidoka.commissioning.words import reaction_lines
from jidoka.handover import map_table, protocol, questions
from jidoka.handover.pages import csv_table, document, html_table, markdown_table
from jidoka.handover.signals import INPUTS, OUTPUTS
from jidoka.handover.source import read_source
from jidoka.handover.step import HEAD, Step
from jidoka.handover.targets import TARGETS, advice, hold_limit_ms, site_values, source_for
from jidoka.handover.texts import LANGUAGES, Text, texts_of
from jidoka.handover.wiring import wiring_svg

MANIFEST = "MANIFEST.sha256"
TEXT_HEAD = ("list", "number", "name", *LANGUAGES, "translated")
#: what each file is, in the order in which it is read
FILES: dict[str, str] = {
    "wiring.svg": "wiring drawing",
    "registers.html": "register table",
    "registers.md": "register table as Markdown",
    "registers.csv": "register table as CSV",
    "reasons.csv": "texts of all numbers for your panel, in four languages",
    "test-protocol.html": "test protocol to sign",
    "test-protocol.csv": "test protocol as CSV",
    "hazard-questions.html": "hazard questions to answer and sign",
    **{target.file: f"function block for {target.name}" for target in TARGETS},
    "notes-block.md": "notes on the block, whatever the PLC",
    **{f"notes-{target.notes}": f"notes for {target.name}" for target in TARGETS},
}


class _Made(NamedTuple):
    """What the first page is made of."""

    plan: Plan
    line: Line
    reaction: Reaction
    drawing: str
    texts: list[Text]
    steps: list[Step]
    asked: list[tuple[str, str]]


def note_of(plan: Plan) -> str:
    """What every file says of what it was made from."""
    return (
        f"{plan.site}/{plan.line}/{plan.device}; plan {plan.digest[:16]}, register map {plan.map_digest}; "
        f"Jidoka {__version__}"
    )


def files_of(plan: Plan, line: Line, reaction: Reaction) -> dict[str, bytes]:
    """Every file by its name."""
    note = note_of(plan)
    drives = frozenset(str(each.get("drives", "nothing")) for each in plan.sections["models"].values())
    stamp = (f"plan {plan.digest[:16]}", f"map {plan.map_digest}")
    steps = protocol.steps_of(plan, reaction, drives)
    texts = texts_of(plan)
    drawing = wiring_svg(plan, drives, note)
    asked = questions.questions_of(plan, reaction)
    made: dict[str, str] = {
        "wiring.svg": drawing,
        "registers.html": document("Register table", note, _registers()),
        "registers.md": f"# Register table\n\n{note}\n\n{markdown_table(map_table.HEAD, map_table.rows())}",
        "registers.csv": csv_table((*map_table.HEAD, *stamp), ((*row, "", "") for row in map_table.rows())),
        "reasons.csv": csv_table((*TEXT_HEAD, *stamp), ((*_text_row(each), "", "") for each in texts)),
        "test-protocol.html": document("Test protocol", note, _protocol(steps)),
        "test-protocol.csv": csv_table(
            (*HEAD[:1], "part", *HEAD[1:], *stamp),
            (
                (str(n), each.part, each.do, each.expected, "", "", "", "", "")
                for n, each in enumerate(steps, 1)
            ),
        ),
        "hazard-questions.html": document("Hazard questions", note, _questions(asked)),
    }
    files = {name: text.encode() for name, text in made.items()}
    files |= {name: f"{text}\n{note}\n".encode() for name, text in _notes().items()}
    files |= {target.file: source_for(line, target, note, __version__) for target in TARGETS}
    parts = _index(_Made(plan, line, reaction, drawing, texts, steps, asked))
    files["index.html"] = document(
        f"Handover: {plan.site} / {plan.line} / {plan.device}", note, "\n".join(parts)
    ).encode()
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    files[MANIFEST] = f"# {note}\n{sums}".encode()
    return files


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Into a folder that is empty, or holds an earlier handover. Raises ConfigurationError for any other."""
    try:
        if folder.exists() and not folder.is_dir():
            raise ConfigurationError(f"{folder}: isn't a folder", "Name a new or empty folder.")
        strange = (
            sorted(each.name for each in folder.iterdir() if each.name not in files)
            if folder.exists()
            else []
        )
        if strange:
            raise ConfigurationError(f"{folder}: {strange[0]} is there, which is no part of a handover", "Name a new or empty folder.")  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise ConfigurationError(
            f"{folder}: can't be written: {error.strerror}", "Name a folder of yours."
        ) from None


def _notes() -> dict[str, str]:
    """The notes that lie beside the block, with the one link that leads out of their folder."""
    names = {"notes-block.md": "README.md", **{f"notes-{target.notes}": target.notes for target in TARGETS}}
    texts = {name: read_source(file) for name, file in names.items()}
    texts = {name: text.replace("../../docs/registers.md", "registers.md") for name, text in texts.items()}
    for target in TARGETS:
        texts["notes-block.md"] = texts["notes-block.md"].replace(
            f"]({target.notes})", f"](notes-{target.notes})"
        )
    return texts


# ---------------------------------------------------------------- pages


def _registers() -> str:
    parts = [
        "<p>Holding registers, function codes 03, 16 and 23. Numbers from 0; the Modbus number is 40001 + register.</p>"
    ]
    for name, title in map_table.TITLES.items():
        rows = [row[1:] for row in map_table.rows() if row[0] == name]
        parts += [f"<h2>Block {name}: {escape(title)}</h2>", html_table(map_table.HEAD[1:], rows)]
    return "\n".join(parts)


def _text_row(each: Text) -> tuple[str, ...]:
    done = "yes" if each.is_translated else "no: the site's own text"
    return each.list, str(each.number), each.name, each.en, each.de, each.fr, each.es, done


def _protocol(steps: list[Step]) -> str:
    parts = [
        "<p>Each line is done, seen and signed by the person who did it. What isn't as expected ends the commissioning.</p>"
    ]
    numbered = list(enumerate(steps, 1))
    for part in dict.fromkeys(each.part for each in steps):
        rows = [(str(n), each.do, each.expected, "", "", "") for n, each in numbered if each.part == part]
        parts += [
            f"<h3>{escape(part)}</h3>",
            html_table(HEAD, rows, ("", "", "", "sign", "done", "sign")),
        ]
    return "\n".join(parts)


def _questions(asked: list[tuple[str, str]]) -> str:
    rows = [(str(n), question, why, "", "") for n, (question, why) in enumerate(asked, 1)]
    return html_table(questions.HEAD, rows, ("", "", "", "sign", "sign"))


def _index(made: _Made) -> Iterator[str]:
    plan, line = made.plan, made.line
    yield (
        "<p class=hint><b>This is no safety function.</b> A category 2 normal stop is asked for through your PLC. E-stop, "
        "guards and light curtains stay hard-wired beside it. No SIL, no PL.</p>"
    )
    links = "".join(f"<li><a href='{name}'>{name}</a>: {escape(text)}</li>" for name, text in FILES.items())
    yield f"<nav><ul>{links}</ul></nav>"
    yield "<h2>1. What it is</h2>" + _WHAT
    yield f"<h2>2. Wiring</h2><figure>{made.drawing}</figure>"
    wires = [(each.name, each.device, "in", each.text, each.broken) for each in INPUTS]
    wires += [(each.name, each.device, "out", each.text, each.broken) for each in OUTPUTS]
    yield html_table(("variable", "device", "", "what it is", "with a broken wire"), wires)
    yield "<h2>3. This site's values, and how to get the block in</h2>"
    yield from _targets(line)
    yield (
        "<h2>4. Times and what they cost</h2><pre>"
        + escape("\n".join(reaction_lines(made.reaction)))
        + "</pre>"
    )
    yield "<h2>5. Reject path: how A is wired in</h2>" + _list(questions.REJECT_PATH)
    yield "<h2>6. Hazard questions</h2>" + _questions(made.asked)
    yield "<h2>7. Test protocol</h2>" + _protocol(made.steps)
    yield "<h2>8. How to take it out again</h2>" + _list(questions.taking_out_of(line.link.transport), "ol")
    yield "<h2>9. Texts for your panel</h2>" + _texts(made.texts)
    yield f"<h2>10. Acknowledging at your own panel ({_ACK_AT[plan.ack_at]})</h2>" + _list(
        questions.OWN_PANEL
    )
    yield "<h2>11. Registers</h2>" + _registers().replace("<h2>", "<h3>").replace("</h2>", "</h3>")
    rows = (
        each.split("=", 1)
        for each in ("agent's device=" + plan.device, "full digest of the plan=" + plan.digest)
    )
    yield "<h2>12. Made from</h2>" + html_table(("what", "value"), [*rows, ("register map", plan.map_digest)])


_ACK_AT = {
    "panel": "not used at this site",
    "plc": "the only place at this site",
    "either": "one of two places at this site",
}

_WHAT = (
    "<p>A device beside the machine watches an AI model. Each beat it asks your PLC for two bits: <b>M</b>, the machine may "
    "run, and <b>A</b>, the model's outputs may be used. Your PLC runs the block JIDOKA_GUARD, which follows downwards at "
    "once, drops both when the beats stop, and lets them rise only after a press and release of the wired reset button. "
    "You wire two relays, load the block, bind 370 holding registers, call it in each scan, and do the test protocol.</p>"
)


def _targets(line: Line) -> Iterator[str]:
    rows = []
    for target in TARGETS:
        values = site_values(line.link, target, hold_limit_ms(line))
        rows.append((target.name, target.file, *values.values()))
    yield html_table(("PLC", "file", "Station", "HoldLimitMs (W)", "RelayMs", "HasFc23"), rows)
    link = line.link
    wire = (
        f"{link.baud} baud, parity {link.parity}" if link.transport == "rtu" else f"Modbus TCP at {link.port}"
    )
    yield f"<p>Line: {wire}, station {link.unit}, a beat every {link.beat_ms} ms. The values stand in the files already.</p>"
    for target in TARGETS:
        yield f"<h3>{escape(target.name)}: {target.file}</h3>" + _list(target.steps, "ol")
        hint = advice(line, target)
        if hint:
            yield f"<p class=hint>{escape(hint)}</p>"
        yield f"<pre class=notes>{escape(_notes()[f'notes-{target.notes}'])}</pre>"


def _list(rows: tuple[str, ...], kind: str = "ul") -> str:
    return f"<{kind}>" + "".join(f"<li>{escape(row)}</li>" for row in rows) + f"</{kind}>"


def _texts(texts: list[Text]) -> str:
    parts = [
        "<p>reasons.csv holds them for import. Texts that the site wrote itself stand as they are in every language.</p>"
    ]
    for name in dict.fromkeys(each.list for each in texts):
        rows = [_text_row(each)[1:] for each in texts if each.list == name]
        parts += [f"<h3>{escape(name)}</h3>", html_table(TEXT_HEAD[1:], rows)]
    return "\n".join(parts)
