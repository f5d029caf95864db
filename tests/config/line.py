"""A small valid configuration that tests change one line of, and what is then found."""

from __future__ import annotations

from pathlib import Path

from jidoka.config.faults import FaultyConfigurationError
from jidoka.config.load import load_text
from jidoka.config.located import Fault

ROOT = Path(__file__).resolve().parents[2]

VALID = """\
site: hall-2
line: turning-1
device: station-7
models:
  - id: eye
    bundle: surface-inspection
    mode: enforce
plc:
  port: /dev/serial/by-id/plc
interlock:
  fallback: manual inspection
risks:
  - id: R-01
    risk: model drift
    model: eye
    when: drift(input)
    false_alarms: 1 per 90 days
    response: hold
    owner: quality
    controls: [A.6.2.6]
"""


def changed(*pairs: tuple[str, str]) -> str:
    """VALID with texts replaced; each must be there."""
    text = VALID
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def faults_of(text: str, base_dir: Path = ROOT) -> list[Fault]:
    """Every fault that is found in `text`; empty when it is good."""
    try:
        load_text(text, base_dir)
    except FaultyConfigurationError as error:
        return error.faults
    return []


def places_of(text: str) -> list[tuple[int, int, str]]:
    """(line, column, path) of every fault."""
    return [(each.place.line, each.place.column, each.path) for each in faults_of(text)]
