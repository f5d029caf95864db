"""Who signed which baseline off, and the first one that ever was: kept beside the baselines, a line each.

`signed.jsonl`: one JSON object a line, each with the SHA-256 of the line before, so that a line that is edited or
taken away shows. `signed/DIGEST.baseline`: the file as it was signed. It proves nothing against who may write the
folder; the ledger has the same acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jidoka_bridge.errors import BaselineError, RefusedError
from jidoka_bridge.plan import Plan
from jidoka_bridge.roles import ENTITLED, is_entitled

from jidoka import chained_lines
from jidoka.chained_lines import ChainError
from jidoka.monitor.baseline import Baseline, Key, folder_of, load, path_of
from jidoka.whole_file import write_whole

ACT = "sign baseline"
#: the first baseline needs one person; one that replaces a signed one needs two: so can nobody teach a slow drift alone
PERSONS_FIRST, PERSONS_LATER = 1, 2


@dataclass(frozen=True)
class Signature:
    """One person's signature under one baseline. digest: of its file; previous: SHA-256 of the line before, "" = first."""

    digest: str
    recipe: int
    position: int
    records: int
    learned_at: str
    role: str
    person: str
    reason: str
    signed_at: str
    previous: str = ""

    @property
    def key(self) -> Key:
        return self.recipe, self.position


def signatures_file(plan: Plan, model: str) -> Path:
    """Where the signatures of a model's baselines lie."""
    return folder_of(plan, model) / "signed.jsonl"


def copy_of(plan: Plan, model: str, digest: str) -> Path:
    """Where a signed baseline is kept for ever."""
    return folder_of(plan, model) / "signed" / f"{digest}.baseline"


def signatures(plan: Plan, model: str) -> list[Signature]:
    """Every signature of a model, oldest first. Raises BaselineError where a line was changed or is missing."""
    path = signatures_file(plan, model)
    try:
        lines = chained_lines.read(path)
    except ChainError as error:
        raise _broken(error) from None
    return [_signature(path, number, values) for number, values in enumerate(lines, 1)]


def _signature(path: Path, number: int, values: dict[str, Any]) -> Signature:
    try:
        return Signature(**values)
    except TypeError:
        raise _broken(ChainError(f"{path}:{number}", "isn't a signature")) from None


def _broken(error: ChainError) -> BaselineError:
    return BaselineError(
        str(error),
        "Compare it with a copy and with the ledger, and find out who wrote to it.",
    )


def persons_needed(given: Sequence[Signature], baseline: Baseline) -> int:
    """How many different persons must sign this baseline before it counts as signed."""
    key = (baseline.recipe, baseline.position)
    is_first = not any(each.key == key and each.digest != baseline.digest for each in given)
    return PERSONS_FIRST if is_first else PERSONS_LATER


def signed_by(given: Sequence[Signature], baseline: Baseline) -> list[Signature]:
    """The signatures under this baseline."""
    return [each for each in given if each.digest == baseline.digest]


def is_signed(given: Sequence[Signature], baseline: Baseline) -> bool:
    """True if as many persons signed as are needed."""
    persons = {each.person for each in signed_by(given, baseline)}
    return len(persons) >= persons_needed(given, baseline)


def sign(plan: Plan, baseline: Baseline, *, role: str, person: str, reason: str, signed_at: str) -> Signature:
    """Sign a baseline that lies in the state directory, and keep a copy of it.

    Raises RefusedError (the role may not, no person named, this person signed already), BaselineError.
    """
    if not is_entitled(role, ACT):
        raise RefusedError(
            f"a person in the role {role!r} may not sign a baseline",
            f"Roles that may: {', '.join(sorted(ENTITLED[ACT]))}.",
        )
    if not person:
        raise RefusedError("a signature needs a person", "Name yourself with --person PSEUDONYM.")
    model = baseline.model
    given = signatures(plan, model)
    if any(each.person == person for each in signed_by(given, baseline)):
        raise RefusedError(
            f"{person} signed {model}, recipe {baseline.recipe}, position {baseline.position} already",
            "A baseline that replaces a signed one needs two persons: let somebody else sign.",
        )
    copy = copy_of(plan, model, baseline.digest)
    signature = Signature(
        baseline.digest, baseline.recipe, baseline.position, len(baseline.records), baseline.learned_at, role,
        person, reason, signed_at,
    )  # fmt: skip
    try:
        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        if not copy.exists():
            write_whole(copy, path_of(plan, model, baseline.recipe, baseline.position).read_bytes())
        return Signature(**chained_lines.append(signatures_file(plan, model), asdict(signature)))
    except (OSError, ChainError) as error:
        why = str(error) if isinstance(error, ChainError) else f"{error.filename}: {error.strerror}"
        raise BaselineError(
            f"can't keep the signature: {why}",
            "Run as the user that owns the state directory, and see that its disk has room.",
        ) from None


def first_signed(plan: Plan, baseline: Baseline) -> Baseline | None:
    """The baseline of this recipe and position that was signed first of all; None before any was.

    Raises BaselineError if its copy is gone or damaged, or is of another model file: then there is nothing to compare.
    """
    key = (baseline.recipe, baseline.position)
    first = next((each for each in signatures(plan, baseline.model) if each.key == key), None)
    if first is None:
        return None
    found = load(copy_of(plan, baseline.model, first.digest), baseline.model, baseline.sha256)
    if found.digest != first.digest:
        raise BaselineError(
            f"{copy_of(plan, baseline.model, first.digest)}: isn't what was signed", "Restore it from a copy."
        )
    return found
