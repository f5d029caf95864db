"""What may be wrong with the arm: knobs as data, each with its range, and a JSON file of them that may change while it moves."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

from jidoka_bridge.errors import ConfigurationError

from jidoka.host import knob_file
from jidoka.host.knob_file import Kind


class Range(NamedTuple):
    """Lowest and highest value of a knob, its unit, and what it is."""

    lowest: float
    highest: float
    unit: str
    text: str


RANGES: dict[str, Range] = {
    "payload_kg": Range(0.0, 1.0, "kg", "mass at the tip that neither the policy nor the arm's own program knows of"),
    "motor_gain": Range(0.5, 1.5, "1", "torque that the motors give for one that is commanded"),
    "coulomb_nm": Range(0.0, 2.0, "Nm", "dry friction of the shoulder; the elbow has three tenths of it"),
    "shoulder_bias_rad": Range(-0.3, 0.3, "rad", "what the shoulder's encoder shows too much"),
    "elbow_bias_rad": Range(-0.3, 0.3, "rad", "what the elbow's encoder shows too much"),
    "encoder_noise_rad": Range(0.0, 0.02, "rad", "standard deviation of both encoders' noise"),
    "lost_entry": Range(-1.0, 9.0, "1", "entry of the observation that reaches the policy as NaN; -1: none"),
}  # fmt: skip


@dataclass(frozen=True)
class Knobs:
    """The state of the arm; the defaults are the arm as commissioned. Raises ConfigurationError out of range."""

    payload_kg: float = 0.0
    motor_gain: float = 1.0
    coulomb_nm: float = 0.0
    shoulder_bias_rad: float = 0.0
    elbow_bias_rad: float = 0.0
    encoder_noise_rad: float = 0.0005
    lost_entry: int = -1

    def __post_init__(self) -> None:
        for field in fields(self):
            value, limits = getattr(self, field.name), RANGES[field.name]
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not limits.lowest <= value <= limits.highest:
                unit = "" if limits.unit == "1" else f" {limits.unit}"
                raise ConfigurationError(
                    f"{field.name} is {value!r}", f"Give {limits.lowest:g} to {limits.highest:g}{unit}."
                )
        if self.lost_entry != int(self.lost_entry):
            raise ConfigurationError(
                f"lost_entry is {self.lost_entry!r}", "Give a whole number, -1 for none."
            )


COMMISSIONED = Knobs()


KNOBS = Kind(COMMISSIONED, RANGES, "arm", 'Write knobs of the arm, such as {"payload_kg": 0.5}.')


def read_knobs(path: Path) -> Knobs:
    """The knobs in a JSON file such as {"payload_kg": 0.5}; those that are left out are as commissioned.

    Raises ConfigurationError: the file can't be read, isn't such an object, or a knob is unknown or out of range.
    """
    return KNOBS.read(path)


class KnobFile(knob_file.KnobFile[Knobs]):
    """The knobs as they are now."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(KNOBS, path)
