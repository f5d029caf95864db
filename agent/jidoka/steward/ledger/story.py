"""A ledger as a person reads it: one line an entry, saying what happened and who decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from jidoka.steward.ledger.decisions import Block
from jidoka.steward.ledger.format import Entry, FormatError, Kind
from jidoka.steward.ledger.trimming import counted

_RIGHT = {True: "right", False: "wrong", None: "without a decision that is remembered"}
VERDICTS = ("pass", "suspect", "reject")


def line(entry: Entry, texts: Mapping[str, str]) -> str:
    """`   12 2026-11-23 08:15:00.123 transition      RUN → HOLD: …`. texts: commitment → what was written freely."""
    moment = datetime.fromtimestamp(entry.wall_ns // 1_000_000_000, timezone.utc)
    milliseconds = entry.wall_ns % 1_000_000_000 // 1_000_000
    head = f"{entry.index:6} {moment:%Y-%m-%d %H:%M:%S}.{milliseconds:03d}Z {entry.kind.label:14} "
    return head + sentence(entry, texts)


def sentence(entry: Entry, texts: Mapping[str, str]) -> str:
    """What an entry tells, on one line; a body that can't be read says so."""
    try:
        if entry.kind is Kind.DECISIONS:
            told = _decisions(Block.decode(entry.body))
        else:
            body = entry.json()
            told = _SENTENCES.get(entry.kind, _any)(body)
            told += _free_text(body, texts)
    except (FormatError, KeyError, TypeError, ValueError) as error:
        return f"can't be read: {error}"
    return " ".join(told.split())


def body_as_json(entry: Entry, texts: Mapping[str, str]) -> dict[str, Any]:
    """The entry for `--json`: header fields and body; verdicts of a block as rows; free text where it is still there."""
    told: dict[str, Any] = {
        "index": entry.index,
        "kind": entry.kind.label,
        "lane": entry.lane.label,
        "lane_number": entry.lane_number,
        "monotonic_ns": entry.monotonic_ns,
        "wall_ns": entry.wall_ns,
        "boot": entry.boot.hex(),
    }
    if entry.kind is not Kind.DECISIONS:
        body = entry.json()
        text = texts.get(str(body.get("commitment", "")))
        return {**told, "body": body, **({} if text is None else {"written": text})}
    block = Block.decode(entry.body)
    rows = [{name: _finite(value) for name, value in row._asdict().items()} for row in block.rows]
    digests = {"digests": [digest.hex() for digest in block.digests]} if block.digests else {}
    return {
        **told,
        "body": {
            "model": block.model,
            "serial": block.serial,
            "boot": block.boot.hex(),
            "wall_offset_ns": block.wall_offset_ns,
            "rows": rows,
            **digests,
        },
    }


def _finite(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 — NaN is the value that isn't itself


def _decisions(block: Block) -> str:
    counts = [sum(row.verdict == code for row in block.rows) for code in range(len(VERDICTS))]
    told = ", ".join(f"{count} {name}" for count, name in zip(counts, VERDICTS, strict=True) if count)
    first, last = block.rows[0], block.rows[-1]
    parts = f", parts {first.part}–{last.part}" if last.part else ""
    return f"{block.model}: records {first.number}–{last.number}{parts}: {told}"


def _transition(body: dict[str, Any]) -> str:
    move = body["to"] if body["from"] == body["to"] else f"{body['from']} → {body['to']}"
    proving = " (proving)" if body.get("proving") else ""
    refused = f" REFUSED: {'; '.join(body.get('reasons') or [])}." if body.get("refused") else ""
    return f"{move}{proving} [{body.get('word', '')}] {body['event']}: {body.get('text', '')}{refused}{_person(body)}"


def _condition(body: dict[str, Any]) -> str:
    evidence = body.get("evidence") or {}
    feature = f", {evidence['feature']} {evidence.get('direction', '')}" if evidence.get("feature") else ""
    onset = f", likely since part {evidence['onset_part']}" if evidence.get("onset_part") else ""
    return f"{body['id']} is {body['judgement']}{feature}{onset}"


def _cause(body: dict[str, Any]) -> str:
    claims = [name for name in ("active", "latched") if body.get(name)] or ["gone"]
    seen = "acknowledged" if body.get("acknowledged_revision") == body["revision"] else "not acknowledged"
    doubt = "" if body.get("quality", "good") == "good" else ", no data to judge it by"
    return f"{body['id']}: {', '.join(claims)}, {seen}{doubt} (revision {body['revision']})"


def _alarm(body: dict[str, Any]) -> str:
    sign = " ♪" if body.get("sign") == "S" else ""
    reason = f" ({body['reason']})" if body.get("reason") else ""
    return (
        f"{body['id']}: {body['was']} → {body['state']} {body['meaning']}{sign}: {body.get('text', '')}"
        f"{_person(body)}{reason}"
    )


def _act(body: dict[str, Any]) -> str:
    what = f" {body['cause']} at revision {body.get('revision')}" if body.get("cause") else ""
    if body["act"] == "label":
        counts = Counter(_RIGHT[each.get("is_right")] for each in body.get("labels") or [])
        told = ", ".join(f"{count} {word}" for word, count in counts.items())
        return f"label of {body.get('model', '')} by {_who(body)}: {told}"
    length = f" for {body['for_s'] / 3600:g} h" if body.get("for_s") else ""
    permit = f" under permit {body['permit']}" if body.get("permit") else ""
    reason = f": {body['reason']}" if body.get("reason") else ""
    return f"{body['act']}{what}{_of_model(body)}{length}{permit} by {_who(body)}{reason}"


def _of_model(body: Mapping[str, Any]) -> str:
    """Which model was meant, and what was asked of it."""
    model = f" of {body['model']}" if body.get("model") else ""
    mode = f" to {body['mode']}" if body.get("mode") else ""
    length = f" for {body['ms'] / 60_000:g} min" if body.get("ms") else ""
    return f"{model}{mode}{length}"


def _refusal(body: dict[str, Any]) -> str:
    who = f" by {_who(body)}" if body.get("role") else ""
    return f"{body.get('what', '')}{who} refused: {body.get('refused', '')} {body.get('remedy', '')}"


def _command(body: dict[str, Any]) -> str:
    by = f" by the key {body['key']}" if body.get("key") else ""
    why = f": {body['refused']}" if body.get("refused") else ""
    return f"{body['name']}{by} from elsewhere {body['outcome']}{why}"


def _inventory(body: dict[str, Any]) -> str:
    cards = [
        f"{card['id']} ({card['mode']}, {(card.get('running') or {}).get('runtime') or 'not running'}, "
        f"baseline {str(card.get('baseline') or 'none')[:16]})"
        for card in body["models"]
    ]
    return f"plan {body['plan'][:16]}, version {body['version']}: {', '.join(cards)}"


def _risk(body: dict[str, Any]) -> str:
    marks = [name for name in ("latched", "acknowledged") if body.get(name)]
    coverage = "" if body.get("coverage") is None else f", {100 * body['coverage']:.4g} % of the records came"
    age = "" if body.get("age_s") is None else f", judged {body['age_s']:g} s ago"
    return f"{body['id']} {body['risk']}: {', '.join([body['status'], *marks])}{coverage}{age}"


def _boot(body: dict[str, Any]) -> str:
    before = {"unplanned": " after an end that nobody planned", "planned": ""}.get(
        body.get("previous", ""), ""
    )
    return (
        f"{body['program']} {body['version']} {body['event']}s{before}, plan {str(body.get('plan', ''))[:16]}"
    )


def _override(body: dict[str, Any]) -> str:
    return f"{body['act']}: {body.get('text', '')}{_person(body)}"


def _removed(body: dict[str, Any]) -> str:
    kinds = Counter(each["kind"] for each in body["entries"])
    told = ", ".join(counted(kind, count) for kind, count in kinds.items())
    return f"here stood {told}, {body['span']} bytes; removed for want of room, their digests stay"


def _drill(body: dict[str, Any]) -> str:
    shown = {True: "a part was seen rejected with A off", False: "NO rejected part was shown"}
    timed = f"withdrawn within {body['withdraw_ms']:g} ms" if body.get("withdraw_ms") is not None else ""
    told = [each for each in (timed, shown.get(body.get("rejected"), "")) if each]  # type: ignore[arg-type]
    return f"drill by {_who(body)}: {', '.join(told) or 'nothing was tried'}"


def _sketch(body: dict[str, Any]) -> str:
    where = ", ".join(f"{name} {body[name]}" for name in ("recipe", "position") if body.get(name))
    told = f"{body['model']}: distribution of {body['feature']}, {body['records']} records"
    return f"{told} ({where})" if where else told


def _any(body: dict[str, Any]) -> str:
    what = body.get("what") or body.get("kind") or ""
    text = body.get("text") or ", ".join(f"{key} {value}" for key, value in body.items())
    return text if str(what) in text else f"{what}: {text}"


def _person(body: dict[str, Any]) -> str:
    person = body.get("person")
    if not person:
        return ""
    return f" — {_who(person) if isinstance(person, dict) else person}"


def _who(body: Mapping[str, Any]) -> str:
    return " ".join(str(body.get(key) or "") for key in ("role", "pseudonym")).strip() or "nobody named"


def _free_text(body: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    commitment = body.get("commitment")
    if not commitment:
        return ""
    return f" “{texts[commitment]}”" if commitment in texts else " (text erased)"


_SENTENCES: dict[Kind, Callable[[dict[str, Any]], str]] = {
    Kind.TRANSITION: _transition,
    Kind.CONDITION: _condition,
    Kind.CAUSE: _cause,
    Kind.ALARM: _alarm,
    Kind.ACT: _act,
    Kind.REFUSAL: _refusal,
    Kind.BOOT: _boot,
    Kind.OVERRIDE: _override,
    Kind.REMOVED: _removed,
    Kind.DRILL: _drill,
    Kind.COMMAND: _command,
    Kind.INVENTORY: _inventory,
    Kind.RISK: _risk,
    Kind.SKETCH: _sketch,
}
