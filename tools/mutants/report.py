"""What became of the mutants, as a page, and whether that is enough."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from tools.mutants.modules import BUDGET_S, MODULES, Module

NOTICED = ("killed", "timeout", "caught by type check")
JUSTIFIED = Path(__file__).with_name("justified.yaml")
#: of functions that ran before a mutant could be switched on; they count for nothing, for `tables` changes them
AT_IMPORT = "at import"


class Mutant(NamedTuple):
    """One change. place: module and function, or name of a table; change: the line as mutated; why: it may live,
    "" = nobody said why."""

    place: str
    change: str
    status: str
    why: str = ""


def justified() -> list[Mapping[str, Any]]:
    """What may live, and why: function or table, the line as mutated (`*`: it runs at import only), reason."""
    return YAML(typ="safe").load(JUSTIFIED.read_text()) or []


def reason_of(place: str, change: str, justified: Sequence[Mapping[str, Any]]) -> str:
    """Why this survivor may live; "" if nobody said so."""
    for each in justified:
        if each["function"] == place and each["change"] in ("*", change):
            return str(each["why"])
    return ""


def judged(mutants: Sequence[Mutant], justified: Sequence[Mapping[str, Any]]) -> list[Mutant]:
    """With the reason of each that lives; those that mutmut can't switch on are marked."""
    found = []
    for each in mutants:
        if each.status in NOTICED:
            found.append(each)
            continue
        why = reason_of(each.place, each.change, justified)
        is_at_import = bool(why) and bool(reason_of(each.place, "", justified))
        found.append(each._replace(why=why, status=AT_IMPORT if is_at_import else each.status))
    return found


def shares(mutants: Sequence[Mutant]) -> tuple[int, int]:
    """(noticed, all that could be switched on)."""
    noticed = sum(each.status in NOTICED for each in mutants)
    return noticed, sum(each.status != AT_IMPORT for each in mutants)


def living(mutants: Sequence[Mutant]) -> list[Mutant]:
    """Those that no test noticed."""
    return [each for each in mutants if each.status not in (*NOTICED, AT_IMPORT)]


def is_enough(mutants: Sequence[Mutant], module: Module) -> bool:
    """Every survivor is justified, and the share that the module is asked for is noticed."""
    noticed, total = shares(mutants)
    return total > 0 and noticed >= module.least_share * total and all(each.why for each in living(mutants))


def page(
    name: str, module: Module, functions: Sequence[Mutant], tables: Sequence[Mutant], took_s: float
) -> str:
    """The page about one run."""
    mutants = [*functions, *tables]
    noticed, total = shares(mutants)
    alive = living(mutants)
    sources, tests = (", ".join(f"`{each}`" for each in names) for names in (module.sources, module.tests))
    result = (
        f"{noticed} of {total} mutants are noticed ({noticed / max(1, total):.1%}; at least {module.least_share:.0%} "
        f"is asked for), {len(alive)} live, {sum(bool(each.why) for each in alive)} of them justified; "
        f"{took_s / 60:.1f} min."
    )
    halves = [
        f"| {what} | {shares(some)[1]} | {shares(some)[0]} | {len(living(some))} |"
        for what, some in (("functions", functions), ("tables, constants, defaults", tables))
    ]
    lines = [
        f"# Mutants of `{name}`",
        f"`make mutants MODULE={name}`: {sources}, noticed by {tests}.",
        result,
        "\n".join(["| mutants of | mutants | noticed | live |", "|---|---|---|---|", *halves]),
    ]
    if alive:
        rows = [
            f"| `{each.place}` | `{each.change.replace('|', chr(92) + '|')}` | {each.why or '**nobody said why**'} |"
            for each in alive
        ]
        lines.append("\n".join(["| place | the line as mutated | why it may live |", "|---|---|---|", *rows]))
    return "\n\n".join(lines) + "\n"


WHAT = (
    "Each wrong change of these modules, one at a time, must be noticed by their tests, or stand on the module's page "
    "with the reason why nobody could notice it. `make mutants MODULE=NAME` makes a page again.\n\n"
    "mutmut makes the changes of functions; each runs in a process of its own, forked from one that has collected the "
    "tests, with the tests that run the line: those first that noticed another change of its function or file, then those whose names speak of it and that noticed many for their time, "
    f"until one fails or {BUDGET_S:g} s of the processor are used up. Functions with a decorator other than `staticmethod` and "
    "`classmethod` (properties) aren't changed. Tables, constants, defaults and what runs at import are changed by "
    "`tools.mutants.tables`; there all the module's tests run, file by file. What stands in `tools/mutants/justified.yaml` "
    "is counted as live without being tried again."
)
RESULT = re.compile(
    r"(\d+) of (\d+) mutants are noticed .*, (\d+) live, (\d+) of them justified; ([\d.]+) min\."
)


def index(folder: Path) -> str:
    """The page about all runs, from the pages about each."""
    lines = [
        "# Mutants of what stops machines",
        WHAT,
    ]
    rows = [
        "| module | mutants | noticed | share | live, each with its reason | minutes |",
        "|---|---|---|---|---|---|",
    ]
    for path in sorted(folder.glob("[a-z]*.md")):
        found = RESULT.search(path.read_text())
        if found is not None:
            noticed, total, alive, justified, took_min = found.groups()
            share = f"{int(noticed) / int(total):.1%}"
            live = f"{alive}" if alive == justified else f"{alive}, **{int(alive) - int(justified)} without**"
            rows.append(
                f"| [{path.stem}]({path.name}) | {total} | {noticed} | {share} | {live} | {took_min} |"
            )
    rows += [
        f"| {name} | | | | no whole run yet | |" for name in MODULES if not (folder / f"{name}.md").exists()
    ]
    return "\n\n".join([*lines, "\n".join(rows)]) + "\n"
