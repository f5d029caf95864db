"""What is mutated, and which tests have to notice."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

GUARD, LINK, PLC = (f"jidoka_bridge/{each}" for each in ("guard", "link", "plc"))
GUARD_TESTS, LINK_TESTS = "tests/bridge/guard", "tests/bridge/link"
#: runs the reference beside the C core, scan for scan
BESIDE_C = "tests/firmware/test_core.py"
#: of pytest in every run: no test that starts programs: a mutant is noticed for what it does, not because the machine was busy
OPTIONS = ("-m", "not process", "-p", "no:cacheprovider")
#: a mutant that tests of so long don't notice lives, whatever slower ones would say; of the processor
BUDGET_S = 10.0


class Module(NamedTuple):
    """One run. sources: relative to the packages' folders; tests: that run, the quick ones first; least_share: of the
    mutants that must be noticed, whatever is justified."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]
    least_share: float = 0.95


def _files(folder: str, names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}.py" for name in names.split())


def _tests(folder: str, names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/test_{name}.py" for name in names.split())


def files_of(module: Module) -> list[Path]:
    """The sources, folders spread out; relative to the packages' folders."""
    found: list[Path] = []
    for each in map(Path, module.sources):
        found += sorted(each.rglob("*.py")) if each.is_dir() else [each]
    return found


MODULES: dict[str, Module] = {
    "frames": Module(_files(LINK, "frames"), _tests(LINK_TESTS, "frames exchange session")),
    "mbap": Module(_files(LINK, "mbap"), _tests(LINK_TESTS, "mbap_edges tcp")),
    "blocks": Module(_files(LINK, "blocks"), _tests(LINK_TESTS, "blocks session")),
    "session": Module(_files(LINK, "session arming asides freshness standing numbers exchange part_count skew"), _tests(LINK_TESTS, "session_edges session_new session_offers session_turns outages session session_lateness exchange")),
    "guard_condition": Module(_files(GUARD, "guard_condition"), _tests(GUARD_TESTS, "guard_condition_edges guard_condition core")),
    "interlock": Module(_files(GUARD, "interlock"), _tests(GUARD_TESTS, "interlock_as_specified interlock core")),
    "interlock_rows": Module(
        _files(GUARD, "trips motion button approved known_answers clock panel unjudged changes override read_back facts"),
        _tests(GUARD_TESTS, "facts_come_and_go panel rows_and_read_back rows_edges rows_times rows_new motion_edges motion trips approved acknowledging causes supervision what_is_recorded core"),
    ),
    "guard": Module(
        _files(GUARD, "acts causes conditions core judging link_view memory plain proving recorder remembered reset_offer resetting self_test "
               "transitions watch"),
        _tests(
            GUARD_TESTS,
            "declared_figures resetting_edges link_view watch_edges conditions_edges recorder_edges remembered_edges proving_edges reset_offer_edges core_edges rows_and_read_back "
            "what_is_recorded acts_edges facts_come_and_go new_and_told causes self_test transitions rows_edges guard_condition_edges trips guard_condition remote_holds acknowledging "
            "approved motion supervision core latch cells",
        ),
    ),
    "rule": Module(_files(PLC, "rule admission press"), (*_tests("tests/bridge/plc", "rule_edges rule"), BESIDE_C)),
    "latch": Module(_files(GUARD, "latch"), _tests(GUARD_TESTS, "latch_edges latch")),
    "alarms": Module(
        ("jidoka/alarms",),
        (
            *_tests(
                "tests/alarms",
                "declared_figures kinds table acts acts_edges alarm causes core core_edges flood_and_load record signal until "
                "restart nothing_is_lost",
            ),
            *_tests("tests/steward", "acknowledging annunciator beside_a_guard"),
        ),
    ),
}  # fmt: skip
