"""What must be seen of the arm before a stage is told, and the numbers that are told of it."""

from __future__ import annotations

from typing import Any

from jidoka.demo.arm.facts import POLICY, PROGRAM, ArmFacts, mean
from jidoka.demo.arm.hands import ArmHands
from jidoka.demo.facts import Facts
from jidoka.demo.stage import Mark, Plant, is_running, is_standing, may_run

STEADY_CYCLES = 12
REFUSALS = "R-02"


def arm_of(facts: Facts) -> ArmFacts:
    """The facts of this story."""
    assert isinstance(facts, ArmFacts)
    return facts


def hands_of(plant: Plant) -> ArmHands:
    """The hands of this story."""
    assert isinstance(plant, ArmHands)
    return plant


def put_payload_on(plant: Plant, facts: Facts) -> None:
    """A load that nobody trained for."""
    del facts
    hands_of(plant).put_payload_on()


def let_encoder_drift(plant: Plant, facts: Facts) -> None:
    """From now on the shoulder shows more and more too much."""
    hands_of(plant).let_encoder_drift(facts.now_ns)


def lose_an_entry(plant: Plant, facts: Facts) -> None:
    """One word of the observation is lost from now on."""
    del facts
    hands_of(plant).lose_an_entry()


def mend(plant: Plant, facts: Facts) -> None:
    """The arm as commissioned."""
    del facts
    hands_of(plant).mend()


def moves_itself_in_a_proving_run(facts: Facts, since: Mark) -> bool:
    """M only, and the arm's own program moved whole cycles while the policy was asked beside it."""
    own = [done for done in arm_of(facts).since(since.ns, PROGRAM) if done.is_whole]
    return facts.is_proving and facts.output == "MACHINE" and len(own) >= 2


def was_judged_good(facts: Facts, since: Mark) -> bool:
    """The next press leads to RUN, and no command of the policy moved anything until now."""
    return may_run(facts, since) and not arm_of(facts).since(since.ns, POLICY)


def policy_moves_it(facts: Facts, since: Mark) -> bool:
    """RUN, and a cycle was moved by the policy."""
    return is_running(facts, since) and bool(arm_of(facts).since(since.ns, POLICY))


def policy_moved_it_for_long(facts: Facts, since: Mark) -> bool:
    """The policy moved enough whole cycles."""
    return facts.inspected - since.inspected >= STEADY_CYCLES and bool(arm_of(facts).residual_mrad)


def has_drifted(facts: Facts, since: Mark) -> bool:
    """The statistical cause is on, and cycles were made since."""
    return facts.drift is not None and bool(arm_of(facts).since(since.ns))


def was_proved_bad(facts: Facts, since: Mark) -> bool:
    """A proving run was on, the arm moved itself, and it ended in HOLD."""
    proved = any(t["proving"] and t["to"] == "FALLBACK" for t in facts.transitions[since.transitions :])
    own = arm_of(facts).since(since.ns, PROGRAM)
    return proved and bool(own) and facts.state == "HOLD" and is_standing(facts, since)


def is_mended(facts: Facts, since: Mark) -> bool:
    """Nothing is wrong with the arm, and it stands."""
    del since
    knobs = arm_of(facts).knobs
    return (
        facts.is_output_off
        and knobs.payload_kg == 0
        and knobs.shoulder_bias_rad == 0
        and knobs.lost_entry < 0
    )


def was_held_by_refusals(facts: Facts, since: Mark) -> bool:
    """The cause that counts refusals is on, commands were refused, and the arm is held."""
    cause = next(
        (each for each in facts.causes if each["id"] == REFUSALS and (each["active"] or each["latched"])),
        None,
    )
    refused = sum(done.refused for done in arm_of(facts).since(since.ns))
    return cause is not None and refused > 0 and facts.state == "HOLD" and is_standing(facts, since)


def knows_what_to_sort(facts: Facts, since: Mark) -> bool:
    """Both drifts left parts to sort again."""
    del since
    return sum(1 for row in facts.sort_again if row.get("parts")) >= 2


def proving_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    """Of the cycles under its own program."""
    own = arm_of(facts).since(since.ns, PROGRAM)
    return {"cycles": len(own), "error_mrad": mean(done.error_mrad for done in own)}


def production_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    """Of the cycles under the policy."""
    moved = [done for done in arm_of(facts).since(since.ns, POLICY) if done.is_whole]
    return {
        "cycles": len(moved),
        "error_mrad": mean(done.error_mrad for done in moved),
        "residual_mrad": mean(done.residual_mrad for done in moved),
        "refused": facts.rejected - since.rejected,
    }


def drift_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    """What the evidence says, and how far the arm was off."""
    arm, evidence = arm_of(facts), (facts.drift or {}).get("evidence") or {}
    moved = arm.since(since.ns)
    shares = {name: share for name, share in (evidence.get("shares") or {}).items() if share > 3.0}
    return {
        "feature": evidence.get("feature", "?"),
        "direction": evidence.get("direction", "?"),
        "features": ", ".join(sorted(shares, key=lambda name: -shares[name])) or evidence.get("feature", "?"),
        "cycles": len(moved),
        "error_mrad": max((done.error_mrad for done in moved), default=float("nan")),
        "residual_mrad": max((done.residual_mrad for done in moved), default=float("nan")),
        "payload_kg": arm.knobs.payload_kg,
        "bias_mrad": 1e3 * arm.knobs.shoulder_bias_rad,
        "onset_part": evidence.get("onset_part"),
    }


def stop_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    """How fast."""
    del since
    evidence = (facts.drift or {}).get("evidence") or {}
    off = next((ns for ns, word, _ in reversed(facts.outputs) if word == "WITHHOLD"), facts.now_ns)
    return {"verdict_to_coil_ms": (off - int(evidence.get("judged_ns") or off)) / 1e6}


def refusal_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    """What was refused, and why."""
    moved = arm_of(facts).since(since.ns)
    why = next((done.why for done in moved if done.why), "?")
    cause = next((each for each in facts.causes if each["id"] == REFUSALS), {})
    evidence = cause.get("evidence") or {}
    return {
        "refused": sum(done.refused for done in moved),
        "why": why,
        "evidence": evidence.get("why", "?"),
        "cycles": len(moved),
    }


def sort_figures(facts: Facts, since: Mark) -> dict[str, Any]:
    """The rows to sort again."""
    del since
    rows = [row for row in facts.sort_again if row.get("parts")]
    text = "; ".join(
        f"{row.get('first_part')} to {row.get('last_part')} ({row.get('parts')})" for row in rows
    )
    return {"rows": len(rows), "parts": sum(int(row["parts"]) for row in rows), "text": text}
