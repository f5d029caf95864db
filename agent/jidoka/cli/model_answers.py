"""`jidoka model answers`: make a set of known answers, hold it against a model, have it shown on a device."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import FILE, ask_steward, load_plan, person_options, plan_options
from jidoka.cli.host import fixed as _fixed
from jidoka.cli.host import size as _size

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan

POLL_S = 0.2


@click.group("answers", short_help="Make, check and show a set of known answers.")
def command() -> None:
    """Known answers: inputs whose right outputs are known. They show whether a model is still the one that was approved.

    A set is one file; the configuration names it (`known_answers:` of the model), the plan holds its SHA-256. The
    application shows it to the model after each start, the monitor compares. Shown again while the machine is held
    (`jidoka model answers show`), right answers prove a model that can't be proven by a run: one that moves the machine
    itself and stands still without the permissive for its outputs.

    \b
    Example:
      jidoka model answers make arm-policy -o answers.npz --source states.csv --count 20
      jidoka model answers check arm-policy answers.npz
      jidoka model answers show arm-policy --role maintenance --person m4
    """


@command.command("make")
@click.argument("bundle", type=click.Path(readable=False))
@click.option("-o", "--output", metavar="FILE", required=True, type=click.Path(path_type=Path), help="The file to make; never overwritten.")  # fmt: skip
@click.option(
    "--source", default="renderer", metavar="SOURCE", help="Where the inputs come from, as of `jidoka host`."
)
@click.option("--count", type=click.IntRange(1, 1000), default=8, show_default=True, metavar="N", help="How many answers.")  # fmt: skip
@click.option("--tolerance", type=click.FloatRange(0.0, 1.0), default=1e-3, show_default=True, metavar="SHARE", help="Largest difference, as a share of the output's largest entry; other processors differ in their last bits.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, metavar="N", help="Start of the renderer's random numbers (1).")  # fmt: skip
@click.option("--size", type=_size, metavar="W×H", help="Size of the pictures in pixels where the manifest leaves it free.")  # fmt: skip
@click.option("--fix", "fixed", type=_fixed, multiple=True, metavar="NAME=VALUE,…", help="Values of an input that no source gives.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what was made as a JSON object.")
def make(
    *, bundle: str, output: Path, source: str, count: int, tolerance: float, seed: int, size: tuple[int, int] | None,
    fixed: tuple[tuple[str, tuple[float, ...]], ...], as_json: bool,
) -> None:  # fmt: skip
    """Run the model of BUNDLE on the first N inputs of a source, and keep both as a set of known answers.

    Do this once, with the approved file, on inputs that somebody looked at: what it answers today is what counts as
    right from now on.

    \b
    Example:
      jidoka model answers make surface-inspection -o answers.npz --count 12
    """
    from jidoka_bridge.errors import InputError

    from jidoka.config.manifest import load_bundle
    from jidoka.host.answer_set import make as make_set
    from jidoka.host.inputs import Inputs
    from jidoka.host.model import open_session
    from jidoka.host.sources.kinds import Wanted, open_source

    found = load_bundle(bundle)
    inputs = Inputs(found, size, None, dict(fixed))
    opened = open_source(source, Wanted(seed, channels=inputs.channels))
    try:
        content = make_set(found, open_session(found), opened, inputs, count=count, tolerance=tolerance)
    finally:
        opened.close()
    try:
        with output.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise InputError(
            f"{output}: is there already", "Give another place, or move it away first."
        ) from None
    except OSError as error:
        raise InputError(f"{output}: can't be written: {error.strerror}", "Give another place.") from None
    digest = hashlib.sha256(content).hexdigest()
    if as_json:
        click.echo(json.dumps({"file": str(output), "sha256": digest, "answers": count, "bundle": found.id}))
        return
    click.echo(f"{output}: {count} known answers of {found.id}, SHA-256 {digest[:16]}…")
    click.echo(f"Name it in the configuration: known_answers: {output.name}")


@command.command("check")
@click.argument("bundle", type=click.Path(readable=False))
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the differences as a JSON object.")
def check(*, bundle: str, file: Path, as_json: bool) -> None:
    """Run the model of BUNDLE on the set in FILE here, and say how far its answers are from the right ones.

    \b
    Example:
      jidoka model answers check surface-inspection answers.npz
    """
    from jidoka_bridge.errors import InputError, ModelError
    from jidoka_tap.known_answers import load

    from jidoka.config.known_answers import misfits
    from jidoka.config.manifest import load_bundle
    from jidoka.host.answer_set import differences
    from jidoka.host.model import open_session

    found = load_bundle(bundle)
    try:
        known = load(file)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"{file}: isn't a set of known answers: {why}", "Make one: jidoka model answers make --help"
        ) from None
    faults = misfits(known, found)
    if faults:
        raise ModelError(f"{file}: {faults[0]}", "Make the set anew from this bundle.")
    rows = differences(known, open_session(found))
    if as_json:
        value = {"answers": known.count, "sha256": known.digest, "right": all(row.is_right for row in rows),
                 "outputs": [{**row._asdict(), "right": row.is_right} for row in rows]}  # fmt: skip
        click.echo(json.dumps(value))
    for row in () if as_json else rows:
        word = "right" if row.is_right else "WRONG"
        where = f" in answer {row.answer}" if row.largest else ""
        click.echo(
            f"{word}  {row.output}: at most {row.largest:.3g} off{where}, {row.tolerance:.3g} are allowed"
        )
    if not all(row.is_right for row in rows):
        raise ModelError(
            f"{found.file}: doesn't give the known answers of {file}",
            "It isn't the model that they were made with.",
        )


@command.command("show")
@click.argument("model")
@click.option("--wait", "wait_s", type=click.FloatRange(1.0, 600.0), default=60.0, show_default=True, metavar="S", help="How long to wait for the result.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as a JSON object.")
@person_options
@plan_options
def show(
    *,
    model: str,
    wait_s: float,
    as_json: bool,
    role: str,
    person: str,
    plan_file: Path,
    config_file: Path | None,
) -> None:
    """Have the known answers shown to MODEL on this device, now, and wait for the result.

    Only while the machine is held or starting up, and at the machine. Right answers count as the judgement that drift is
    gone, until the next reset; then acknowledge, and press and release the reset button. Wrong ones keep it held.
    Maintenance, engineer and quality may ask.

    \b
    Example:
      jidoka model answers show arm-policy --role maintenance --person m4
    """
    from jidoka_bridge.errors import ModelError, RefusedError
    from jidoka_bridge.messages import Kind

    plan = load_plan(plan_file, config_file)
    digest = next((each.known_answers for each in plan.models if each.id == model), "")
    before_ns = _last(plan, model).get("ns", 0)
    body = {"model": model, "digest": digest, "role": role, "person": person, "remote": False}
    ask_steward(plan, Kind.KNOWN_ANSWERS, body)
    result = _wait(plan, model, before_ns, wait_s)
    if result is None:
        raise RefusedError(
            f"no result within {wait_s:g} s", "See whether the application runs and shows them: jidoka status"
        )
    if as_json:
        click.echo(
            json.dumps(
                {name: result.get(name) for name in ("model", "digest", "passed", "seen", "count", "why")}
            )
        )
    else:
        click.echo(str(result.get("text", "")))
    if result.get("passed") is None:
        raise RefusedError(
            f"{model}: nobody could tell: {result.get('why')}", "Mend that, then show them again."
        )
    if not result.get("passed"):
        raise ModelError(
            f"{model}: {result.get('why')}", "Load the approved model; until then the machine stays held."
        )


def _last(plan: Plan, model: str) -> dict[str, Any]:
    from jidoka_bridge.messages import Kind

    found: dict[str, Any] = (
        ask_steward(plan, Kind.ASK, {"what": "status"}).get("known_answers", {}).get(model, {})
    )
    return found


def _wait(plan: Plan, model: str, before_ns: int, wait_s: float) -> dict[str, Any] | None:
    """The first result after `before_ns` of a round that somebody asked for; None: none in time."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        last = _last(plan, model)
        if last.get("asked") and last.get("ns", 0) > before_ns:
            return last
        time.sleep(POLL_S)
    return None
