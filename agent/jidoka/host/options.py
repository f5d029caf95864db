"""What the host is to run: options of the command line, or the `host:` section of a compiled plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jidoka_bridge import plan
from jidoka_bridge.errors import ConfigurationError

from jidoka.host.sources.kinds import RENDERER


@dataclass(frozen=True)
class Options:
    """What to run. bundle: folder or shipped name; source: as `sources.kinds` reads it; rate_hz: inferences a second,
    0 = as fast as it goes; count: of samples, None = until the source ends; size: (width, height) of pictures where the
    manifest leaves it free; batch: samples in one inference, None = what the manifest says, else 1; fixed: values of
    inputs that no source gives; tells: `counts`, `results` (a JSON line each) or `summary` (JSON at the end);
    tells_every_s: between two lines of counts; sha256: of the model in the plan, None = whatever the bundle has;
    is_enforced: by the plan the machine may run only while this model can be trusted; known_answers: file of its set.
    """

    bundle: str
    source: str = RENDERER
    trigger: Path | None = None
    camera: Path | None = None
    rate_hz: float = 10.0
    count: int | None = None
    seed: int = 1
    is_looped: bool = False
    move_to: Path | None = None
    size: tuple[int, int] | None = None
    batch: int | None = None
    fixed: tuple[tuple[str, tuple[float, ...]], ...] = ()
    tap_socket: Path | None = None
    steward_socket: Path | None = None
    model: str | None = None
    sha256: str | None = None
    tells: str = "counts"
    tells_every_s: float = 1.0
    is_enforced: bool = False
    known_answers: Path | None = None


def from_plan(path: Path) -> Options:
    """The options in a compiled plan. Raises ConfigurationError where it has no host."""
    loaded = plan.load(path)
    section = loaded.sections.get("host")
    if section is None:
        raise ConfigurationError(
            f"{path}: the plan has no host: the plant's own application runs the model.",
            "Add a `host:` section to the configuration, or start the host with a bundle instead of a plan.",
        )
    model = loaded.sections["models"][section["model"]]
    return Options(
        bundle=model["bundle"],
        source=section["source"],
        trigger=Path(section["trigger"]) if section["trigger"] else None,
        camera=Path(section["camera"]) if section["camera"] else None,
        rate_hz=section["rate_hz"],
        seed=section["seed"],
        is_looped=True,  # a line doesn't end
        move_to=Path(section["move_to"]) if section.get("move_to") else None,
        tap_socket=loaded.tap_socket,
        steward_socket=loaded.steward_socket,
        model=section["model"],
        sha256=model["sha256"],
        tells_every_s=60.0,
        known_answers=Path(model["known_answers"]["file"]) if model.get("known_answers") else None,
        is_enforced=any(each.id == section["model"] and each.mode == "enforce" for each in loaded.models),
    )
