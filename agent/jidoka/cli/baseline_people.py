"""`jidoka baseline sign|compare|report`: what people do with a baseline that was learned."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import FILE, person_options
from jidoka.cli.baseline_words import print_json
from jidoka.cli.plan_files import read_or_compile

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan

    from jidoka.monitor.baseline import Baseline


_MODEL = click.option("--model", metavar="ID", help="Only this model.")
_RECIPE = click.option("--recipe", type=click.IntRange(0, 65535), help="Only this recipe.")
_POSITION = click.option("--position", type=click.IntRange(0, 65535), help="Only this position.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


@click.command("sign")
@click.argument("configuration", type=FILE)
@_MODEL
@_RECIPE
@_POSITION
@click.option("--reason", required=True, help="Why it may be relied on, in your words.")
@_JSON
@person_options
def sign_command(*, configuration: Path, model: str | None, recipe: int | None, position: int | None, reason: str,
                 as_json: bool, role: str, person: str) -> None:  # fmt: skip
    """Sign a baseline off: you looked at it, and it shows the line as it should be.

    The first baseline of a recipe and position needs one person; one that replaces a signed one needs two, so that
    nobody teaches the monitor a slow decay alone. Look at `baseline compare` or `baseline report` before.

    \b
    Example:
      jidoka baseline sign line7.yaml --role quality --person qa-3 --reason "500 good parts, lamp new"
    """
    from jidoka.baselines.signing import persons_needed, sign, signatures, signed_by

    plan = read_or_compile(configuration)
    signed_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    done = []
    for baseline in _chosen(plan, configuration, model, recipe, position):
        sign(plan, baseline, role=role, person=person, reason=reason, signed_at=signed_at)
        given = signatures(plan, baseline.model)
        have = len({each.person for each in signed_by(given, baseline)})
        done.append(
            {
                **_named(baseline),
                "digest": baseline.digest,
                "persons": have,
                "needed": persons_needed(given, baseline),
            }
        )
    if as_json:
        print_json(done)
        return
    for each in done:
        state = (
            "signed off"
            if each["persons"] >= each["needed"]
            else f"{each['persons']} of {each['needed']} persons signed"
        )
        click.echo(f"{each['model']}, recipe {each['recipe']}, position {each['position']}: {state}")


@click.command("compare")
@click.argument("configuration", type=FILE)
@click.option(
    "--with", "other_file", type=FILE, help="Another baseline file, instead of the first signed one."
)
@_MODEL
@_RECIPE
@_POSITION
@_JSON
def compare_command(*, configuration: Path, other_file: Path | None, model: str | None, recipe: int | None,
                    position: int | None, as_json: bool) -> None:  # fmt: skip
    """Tell how far the baselines now in force lie from the first signed one, feature by feature.

    A lamp that dies a little with each learning never lies far from the baseline before; from the first one it does.

    \b
    Example:
      jidoka baseline compare line7.yaml
      jidoka baseline compare line7.yaml --with state/baselines/camera/recipe-7.position-0.refused
    """
    from jidoka.baselines.comparing import distances
    from jidoka.baselines.signing import first_signed
    from jidoka.monitor.baseline import load

    plan = read_or_compile(configuration)
    found = []
    for baseline in _chosen(plan, configuration, model, recipe, position):
        older = (
            load(other_file, baseline.model, baseline.sha256) if other_file else first_signed(plan, baseline)
        )
        moved = distances(older, baseline) if older is not None else []
        found.append(
            {
                **_named(baseline),
                "with": None if older is None else {"learned_at": older.learned_at, "digest": older.digest},
                "features": [{**asdict(each), "is_large": each.is_large} for each in moved],
            }
        )
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(line for each in found for line in _compared(each)))


@click.command("report")
@click.argument("configuration", type=FILE)
@click.option(
    "-o", "--output", type=FILE, default=Path("baseline.html"), show_default=True, help="The page's file."
)
@click.option(
    "--png", is_flag=True, help="Also draw it as a picture beside the page (needs a browser on this machine)."
)
@_MODEL
@_RECIPE
@_POSITION
def report_command(*, configuration: Path, output: Path, png: bool, model: str | None, recipe: int | None,
                   position: int | None) -> None:  # fmt: skip
    """Write one self-contained page about a baseline: histograms, what is seen how fast, what is refused, who signed.

    \b
    Example:
      jidoka baseline report line7.yaml --recipe 7 -o recipe-7.html --png
    """
    from jidoka_bridge.errors import InputError

    from jidoka.baselines.comparing import distances
    from jidoka.baselines.page import Sheet, page, picture
    from jidoka.baselines.signing import first_signed, persons_needed, signatures, signed_by
    from jidoka.monitor.showing import as_object

    plan = read_or_compile(configuration)
    chosen = _chosen(plan, configuration, model, recipe, position)
    for baseline in chosen:
        given, first = signatures(plan, baseline.model), first_signed(plan, baseline)
        sheet = Sheet(
            as_object(plan, baseline), baseline, signed_by(given, baseline), persons_needed(given, baseline), first,
            distances(first, baseline) if first is not None else (),
        )  # fmt: skip
        file = output if len(chosen) == 1 else output.with_stem(f"{output.stem}.{_file_name(baseline)}")
        try:
            file.write_text(page(sheet), encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"{file}: can't write the page: {error.strerror}",
                "Name a file in a folder that you may write.",
            ) from None
        click.echo(str(file))
        if png:
            drawn = file.with_suffix(".png")
            picture(file, drawn)
            click.echo(str(drawn))


def _chosen(
    plan: Plan, configuration: Path, model: str | None, recipe: int | None, position: int | None
) -> list[Baseline]:
    """The baselines that are meant. Raises BaselineError where there is none."""
    from jidoka_bridge.errors import BaselineError

    from jidoka.monitor.baseline import load_all

    names = [each.id for each in plan.models if model in {None, each.id}]
    if not names:
        raise click.UsageError(
            f"--model must name one of {', '.join(each.id for each in plan.models)}, not {model}"
        )
    found = [
        baseline
        for name in names
        for key, baseline in load_all(plan, name).items()
        if recipe in {None, key[0]} and position in {None, key[1]}
    ]
    if not found:
        raise BaselineError(
            f"{configuration}: {', '.join(names)} has no such baseline",
            f"See what there is: jidoka baseline show {configuration}",
        )
    return found


def _named(baseline: Baseline) -> dict[str, Any]:
    return {"model": baseline.model, "recipe": baseline.recipe, "position": baseline.position}


def _file_name(baseline: Baseline) -> str:
    return f"{baseline.model}.recipe-{baseline.recipe}.position-{baseline.position}"


def _compared(found: dict[str, Any]) -> Iterator[str]:
    from jidoka.baselines.page import told

    yield f"{found['model']}, recipe {found['recipe']}, position {found['position']}"
    if found["with"] is None:
        yield "  none was signed yet: jidoka baseline sign"
        return
    yield f"  against the one learned {found['with']['learned_at']} ({found['with']['digest'][:16]}…)"
    wide = max((len(each["feature"]) for each in found["features"]), default=0)
    yield f"  {'feature':{wide}}   mean then    mean now   moved, σ   spread, ×     KS"
    for each in found["features"]:
        yield (
            f"  {each['feature']:{wide}} {each['older_mean']:11.4g} {each['newer_mean']:11.4g}   {told(each['shift_sigma'], '+8.2f'):>8}"
            f"   {told(each['spread'], '9.2f'):>9}   {each['ks']:4.2f}{'   look' if each['is_large'] else ''}"
        )
