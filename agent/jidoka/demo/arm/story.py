"""The story that `jidoka demo arm` tells, as a table of stages."""

from __future__ import annotations

from jidoka.demo.arm import claims
from jidoka.demo.facts import Facts
from jidoka.demo.stage import (
    STANDING_NS,
    Claim,
    Figures,
    Mark,
    Stage,
    acknowledge,
    alarm_figures,
    is_alarm_unacknowledged,
    is_nothing_waiting,
    is_ready,
    is_standing,
    no_figures,
    press,
)

LONG_S, PROVING_S = 45.0, 60.0


def _press(
    stage: str, says: str, done: Claim, seen: str, *, figures: Figures = no_figures, limit_s: float = 20.0, pause_s: float = 2.0
) -> Stage:  # fmt: skip
    """A stage in which a person presses the button when a press counts."""
    return Stage(
        stage, says, done, seen, key="r", hint="press and release the button", act=press, figures=figures,
        may_act=is_ready, limit_s=limit_s, pause_s=pause_s,
    )  # fmt: skip


def _is_up(facts: Facts, since: Mark) -> bool:
    del since
    return facts.state == "START-UP" and facts.offer == "proving" and facts.is_output_off


STORY: tuple[Stage, ...] = (
    Stage(
        "start-up",
        "All programs are up, the arm's brakes are on: nothing moves until a person presses the button.",
        _is_up,
        "The link to the PLC is armed, the output is off. The policy must prove itself first.",
    ),
    _press(
        "first proving run",
        "A control model can't be proven on a standing machine, and isn't trusted with a moving one yet.",
        claims.moves_itself_in_a_proving_run,
        "So the arm moves under its own program (M on, A off): {cycles} cycles, {error_mrad:.1f} mrad off. "
        "The policy is asked at every step, and judged; its commands move nothing.",
        figures=claims.proving_figures,
    ),
    Stage(
        "policy judged",
        "The monitor compares the policy's commands with the baseline, a cycle at a time.",
        claims.was_judged_good,
        "Judged good in the shadow. Nothing rises by itself: a second press is asked for.",
        limit_s=PROVING_S,
    ),
    _press(
        "run",
        "The second press lets the policy's commands through.",
        claims.policy_moves_it,
        "RUN: the policy moves the arm. Each command waits for its verdict before a motor gets it.",
        pause_s=0.1,
    ),
    Stage(
        "production",
        "The arm picks and places.",
        claims.policy_moved_it_for_long,
        "{cycles} cycles under the policy, {error_mrad:.1f} mrad off on average; {refused} commands refused.",
        figures=claims.production_figures,
        limit_s=LONG_S,
    ),
    Stage(
        "payload",
        "Somebody hangs a load on the arm that the policy was never trained for.",
        claims.has_drifted,
        "Drift after {cycles} cycles with {payload_kg:g} kg: {feature} goes {direction}. Seen in: {features}. "
        "The arm is up to {error_mrad:.0f} mrad off.",
        act=claims.put_payload_on,
        figures=claims.drift_figures,
        limit_s=LONG_S,
        pause_s=0.0,
    ),
    Stage(
        "stopped",
        "The permissive drops, the brakes go on.",
        is_standing,
        "The arm stands: {verdict_to_coil_ms:.0f} ms from the verdict to the PLC's output.",
        figures=claims.stop_figures,
        pause_s=0.0,
    ),
    Stage(
        "alarm",
        "The operator is called.",
        is_alarm_unacknowledged,
        "Alarm: {text} What to do: {remedy}",
        figures=alarm_figures,
    ),
    Stage(
        "standing",
        "Nothing moves while the arm is held.",
        lambda f, s: f.now_ns - s.ns >= STANDING_NS and f.parts_made == s.parts_made and is_standing(f, s),
        "0 cycles in {seconds:.1f} s.",
        figures=lambda f, s: {"seconds": (f.now_ns - s.ns) / 1e9},
    ),
    Stage(
        "acknowledged",
        "The operator acknowledges with a reason.",
        is_nothing_waiting,
        "Acknowledged: “seen, will look”. The load still hangs there.",
        key="a",
        hint="acknowledge with a reason",
        act=acknowledge,
    ),
    _press(
        "proving, load still on",
        "A proving run with the load still on: the arm moves itself, the policy is judged beside it.",
        claims.was_proved_bad,
        "Judged bad after {cycles} cycles, in which no command of the policy moved anything: back to HOLD.",
        figures=claims.proving_figures,
        limit_s=PROVING_S,
    ),
    Stage(
        "load taken off",
        "The load is taken off.",
        claims.is_mended,
        "The arm is as commissioned again. Nothing moves because of that.",
        key="l",
        hint="take the load off",
        act=claims.mend,
    ),
    Stage(
        "acknowledged again",
        "The failed proving run was a trip of its own; it is acknowledged too.",
        is_nothing_waiting,
        "Acknowledged.",
        key="a",
        hint="acknowledge again",
        act=acknowledge,
    ),
    _press(
        "proving, load off",
        "A proving run again.",
        claims.was_judged_good,
        "Judged good after {cycles} cycles under the arm's own program, {error_mrad:.1f} mrad off.",
        figures=claims.proving_figures,
        limit_s=PROVING_S,
    ),
    _press(
        "run again",
        "A second press.",
        claims.policy_moved_it_for_long,
        "RUN: the policy moves the arm again, {error_mrad:.1f} mrad off.",
        figures=claims.production_figures,
        limit_s=LONG_S,
        pause_s=0.1,
    ),
    Stage(
        "encoder",
        "The shoulder's encoder begins to drift. The arm goes astray, and its own readings hide it.",
        claims.has_drifted,
        "Drift after {cycles} cycles, the encoder {bias_mrad:.0f} mrad off: {feature} goes {direction}. The arm is really up to "
        "{error_mrad:.0f} mrad off; by its encoders at most {residual_mrad:.0f}.",
        act=claims.let_encoder_drift,
        figures=claims.drift_figures,
        limit_s=LONG_S,
        pause_s=0.0,
    ),
    Stage(
        "stopped again",
        "The permissive drops.",
        is_standing,
        "The arm stands: {verdict_to_coil_ms:.0f} ms from the verdict to the PLC's output.",
        figures=claims.stop_figures,
        pause_s=0.0,
    ),
    Stage(
        "encoder acknowledged",
        "The operator is called and acknowledges.",
        is_nothing_waiting,
        "Acknowledged.",
        key="a",
        hint="acknowledge with a reason",
        act=acknowledge,
    ),
    Stage(
        "encoder replaced",
        "Maintenance replaces the encoder.",
        claims.is_mended,
        "The readings are right again.",
        key="l",
        hint="replace the encoder",
        act=claims.mend,
    ),
    _press(
        "proving, new encoder",
        "A proving run.",
        claims.was_judged_good,
        "Judged good after {cycles} cycles, {error_mrad:.1f} mrad off.",
        figures=claims.proving_figures,
        limit_s=PROVING_S,
    ),
    _press(
        "third run",
        "A second press.",
        claims.policy_moved_it_for_long,
        "RUN: {cycles} cycles under the policy, {error_mrad:.1f} mrad off.",
        figures=claims.production_figures,
        limit_s=LONG_S,
        pause_s=0.1,
    ),
    Stage(
        "no number",
        "A word is lost on the way to the policy: the elbow's angle reaches it as NaN, and it answers with NaN.",
        claims.was_held_by_refusals,
        "{refused} commands refused before the arm got them ({why}); its drives carried the weight meanwhile. "
        "Repeated refusals tripped the interlock: HOLD. {evidence}.",
        act=claims.lose_an_entry,
        figures=claims.refusal_figures,
        pause_s=0.0,
    ),
    Stage(
        "word back",
        "The bus is mended.",
        claims.is_mended,
        "The observation is whole again.",
        key="l",
        hint="mend the bus",
        act=claims.mend,
    ),
    Stage(
        "refusals acknowledged",
        "The operator acknowledges.",
        is_nothing_waiting,
        "Acknowledged.",
        key="a",
        hint="acknowledge with a reason",
        act=acknowledge,
    ),
    _press(
        "last run",
        "No proving run is asked for: what tripped was no statistic, and the policy's last judgement still holds.",
        claims.policy_moves_it,
        "RUN.",
        limit_s=LONG_S,
        pause_s=0.1,
    ),
    Stage(
        "sort again",
        "Which parts were handled while the arm wasn't as commissioned?",
        claims.knows_what_to_sort,
        "Sort again parts {text}: {parts} parts since the likely onsets.",
        figures=claims.sort_figures,
    ),
)  # fmt: skip
