"""The arm's site: its configuration, its PLC that counts cycles, and its host."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jidoka.arm.motion import CYCLE_S, CYCLE_STEPS
from jidoka.demo.site import Site, make_site

SEED = 11
#: the arm's clock leads the PLC's by this, so that a cycle is over when the next one is counted
LEAD = 1.15

CONFIGURATION = """\
# The configuration of `jidoka demo arm`. One with every setting explained: configs/visual-inspection.yaml
site: demo-plant
line: line-8
device: arm-1
run_dir: {folder}/run
state_dir: {folder}/state

models:
  - id: arm-policy
    bundle: arm-policy
    mode: enforce
    in_shadow: true              # on M alone the arm moves by computed torque, and the policy is asked all the same
    drives: nothing              # the PLC holds the arm's brakes (M) and lets the drives take the commands (A)
    longest_interval: 1 s
    records_per_s: {records_per_s:g}
    records_per_part: {records_per_part}
    judged: per part             # the steps of one motion aren't independent: a cycle counts once

plc:
  port: {folder}/plc
  baud: 19200

interlock:
  proving: {{parts: 40, minutes: 3}}

broker:
  url: mqtt://{host}:{port}
  acknowledge: puback  # the subscriber of this demonstration acknowledges nothing

metrics:
  listen: {host}:{metrics_port}

host:
  source: arm
  trigger: {folder}/panel
  camera: {folder}/arm.json      # what is wrong with the arm
  seed: {seed}

risks:
  - id: R-01
    risk: the arm isn't the one that the policy was commissioned with
    model: arm-policy
    when: drift(command)
    false_alarms: 1 per 90 days
    response: hold
    priority: high
    owner: engineer
    controls: [A.6.2.6]
    text: The arm answers the policy's commands otherwise than at commissioning.
    remedy: Look at load, joints and encoders, remove the cause, then let a proving run show that all is well.
  - id: R-02
    risk: the policy's commands can't be used
    model: arm-policy
    when: repeated refusals or two writers
    response: hold
    priority: high
    owner: maintenance
    controls: [A.6.2.6]
    text: Too many of the policy's commands were refused; the arm is held.
    remedy: See what was refused with jidoka status; look at what the policy gets, and at its program.
  - id: R-03
    risk: a command lies outside what the manifest allows
    model: arm-policy
    when: implausible command or invalid output
    response: observe
    owner: engineer
    controls: [A.6.2.6]
    text: A command was refused; the arm did not get it.
    remedy: Nothing, unless it comes again.
  - id: R-04
    risk: nothing is known of what all is well looks like
    model: arm-policy
    when: no baseline
    response: hold
    priority: medium
    owner: quality
    controls: [A.6.2.4]
    text: There is no baseline for what the arm does.
    remedy: Learn one with jidoka baseline learn, and have it signed off.
"""


@dataclass(frozen=True)
class ArmSite(Site):
    """pace: simulated seconds a second."""

    @property
    def knobs_file(self) -> Path:
        return self.folder / "arm.json"

    @property
    def pace(self) -> float:
        """Simulated seconds a second, by the PLC's count of cycles."""
        return self.parts_per_s * CYCLE_S

    def host_command(self, command: tuple[str, ...]) -> tuple[str, ...]:
        del command
        pace = ("--pace", f"{LEAD * self.pace:g}")
        return (sys.executable, "-m", "jidoka.arm", "--plan", str(self.plan_file), *pace, "--results")


def arm_site(pace: float) -> Callable[[], ArmSite]:
    """Makes the site of an arm whose clock goes so many times as fast as a real one's."""
    cycles_per_s = pace / CYCLE_S
    return lambda: make_site(
        ArmSite, CONFIGURATION, cycles_per_s, seed=SEED, records_per_s=cycles_per_s * CYCLE_STEPS,
        records_per_part=CYCLE_STEPS,
    )  # fmt: skip
