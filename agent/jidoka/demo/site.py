"""The demonstration's own site: a folder with a configuration, and the programs that make the plant around the agent."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from jidoka_bridge import plan as plans

from jidoka.config.compile import compile_text
from jidoka.demo.broker import HOST, broker_program, free_port
from jidoka.supervisor import Program, program_commands

PARTS_PER_S = 10
LONGEST_FOLDER = 50
BASELINE_RECORDS = 2000
SEED = 830  # of this one, every stretch of 25 parts has a few defective ones

CONFIGURATION = """\
# The demonstration's configuration. A real one, with every setting explained: configs/visual-inspection.yaml
site: demo-plant
line: line-7
device: cell-3
run_dir: {folder}/run
state_dir: {folder}/state

models:
  - id: surface-inspection
    bundle: surface-inspection
    mode: enforce
    drives: nothing              # the PLC stops the conveyor, the application moves nothing itself
    longest_interval: 1 s
    records_per_s: {parts_per_s}

plc:
  port: {folder}/plc
  baud: 19200

interlock:
  proving: {{parts: 30, minutes: 2}}

broker:
  url: mqtt://{host}:{port}
  acknowledge: puback  # the subscriber of this demonstration acknowledges nothing

metrics:
  listen: {host}:{metrics_port}

host:
  source: renderer
  trigger: {folder}/panel
  camera: {folder}/camera.json
  seed: {seed}

risks:
  - id: R-01
    risk: the model judges pictures unlike those it was commissioned with
    model: surface-inspection
    when: drift(all)
    false_alarms: 1 per 90 days
    response: hold
    priority: high
    owner: quality
    controls: [A.6.2.6]
    text: The pictures have changed, the model's verdicts can't be trusted.
    remedy: Check lamp, lens and camera, then let a proving run show that all is well again.
  - id: R-02
    risk: the model's output is no output
    model: surface-inspection
    when: invalid output or two writers
    response: hold
    priority: high
    owner: maintenance
    controls: [A.6.2.6]
    text: The model gives results that can't be right, or two programs claim to be it.
    remedy: Restart the inspection program; if it comes back, call maintenance.
  - id: R-03
    risk: nothing is known of what all is well looks like
    model: surface-inspection
    when: no baseline
    response: hold
    priority: medium
    owner: quality
    controls: [A.6.2.4]
    text: There is no baseline for what is being made.
    remedy: Learn one with jidoka baseline learn, and have it signed off.
"""


@dataclass(frozen=True)
class Site:
    """Where everything of one demonstration lies. folder is kept when it ends, for whoever wants to look."""

    folder: Path
    broker_port: int
    plan: plans.Plan
    parts_per_s: float = PARTS_PER_S

    @property
    def plan_file(self) -> Path:
        return self.folder / "plan.json"

    @property
    def configuration_file(self) -> Path:
        return self.folder / "demo.yaml"

    @property
    def camera_file(self) -> Path:
        return self.folder / "camera.json"

    @property
    def panel(self) -> Path:
        return self.folder / "panel"

    def programs(self, broker: str) -> list[Program]:
        """All programs in their order of starting: broker, PLC, then the agent's four."""
        plc = (
            sys.executable, "-m", "jidoka_bridge.plc", "--link", str(self.folder / "plc"),
            "--panel", str(self.panel), "--rate", str(self.parts_per_s),
        )  # fmt: skip
        around = [
            broker_program(self.folder, self.broker_port, broker),
            Program("plc", plc, is_restarted=False),
        ]
        agent = program_commands(self.plan_file, sys.executable, has_host=True)
        return [
            replace(
                p,
                command=self.host_command(p.command) if p.name == "host" else p.command,
                environment={**p.environment, "JIDOKA_DIE_WITH_PARENT": "1"},
            )
            for p in around + agent
        ]

    def host_command(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """How the host is started here. command: as the supervisor would."""
        return (*command, "--results")


S = TypeVar("S", bound=Site)


def make_site(kind: type[S], configuration: str, parts_per_s: float, **values: object) -> S:
    """A new site in a temporary folder. configuration: YAML with {folder}, {host}, {port} … and the values in it."""
    # names of sockets have at most 107 bytes, and some of them are five folders down
    is_short = len(tempfile.gettempdir()) <= LONGEST_FOLDER
    folder = Path(tempfile.mkdtemp(prefix="jidoka-demo-", dir=None if is_short else "/tmp"))  # noqa: S108
    port = free_port()
    text = configuration.format(
        folder=folder, parts_per_s=parts_per_s, host=HOST, port=port, metrics_port=free_port(), **values
    )
    site = kind(folder, port, compile_text(text, folder), parts_per_s)
    site.configuration_file.write_text(text)
    site.plan_file.write_bytes(plans.dump(site.plan))
    return site


def make_station() -> Site:
    """The site of `jidoka demo`: a camera station on a conveyor."""
    return make_site(Site, CONFIGURATION, PARTS_PER_S, seed=SEED)
