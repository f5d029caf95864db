"""`jidoka host`: run a model bundle on pictures, states or tensors, watched as any application would be."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import click

from jidoka.cli.asking import FILE


def size(text: str) -> tuple[int, int]:
    """`640x480`, width first."""
    match = re.fullmatch(r"([1-9]\d{0,4})[x×*]([1-9]\d{0,4})", text)
    if match is None:
        raise click.BadParameter(f"{text!r} is no size; write width and height, such as 640x480.")
    return int(match[1]), int(match[2])


def fixed(text: str) -> tuple[str, tuple[float, ...]]:
    """`scale=0.5` or `size=416,416`."""
    name, _, values = text.rpartition("=")
    try:
        if name:
            return name, tuple(float(each) for each in values.split(","))
    except ValueError:
        pass
    raise click.BadParameter(f"{text!r} isn't NAME=VALUE,… such as scale=0.5")


@click.command("host", short_help="Run a model bundle on a source.")
@click.argument("bundle", required=False)
@click.option(
    "--source", metavar="SOURCE",
    help="renderer (the default), arm, DIR, watch:DIR, FILE.csv, /dev/videoN, rtsp://HOST/PATH, or @FILE with one of these on its first line.",
)  # fmt: skip
@click.option("--trigger", type=FILE, metavar="PANEL", help="One picture for each line `part N` that the PLC's panel prints.")  # fmt: skip
@click.option("--camera", type=FILE, metavar="FILE", help="JSON file with the renderer's or the arm's knobs, read again when it changes.")  # fmt: skip
@click.option("--rate", "rate_hz", type=click.FloatRange(0.0, 1000.0), metavar="HZ", help="Inferences a second without a trigger (10); 0: as fast as it goes.")  # fmt: skip
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N samples.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", help="Start of the renderer's random numbers (1).")  # fmt: skip
@click.option("--loop", "is_looped", is_flag=True, help="Begin the folder or the table again when it ends.")
@click.option("--batch", type=click.IntRange(1, 1024), metavar="N", help="Samples in one inference (what the manifest says, else 1).")  # fmt: skip
@click.option("--size", type=size, metavar="W×H", help="Size of the pictures in pixels where the manifest leaves it free (their own).")  # fmt: skip
@click.option("--fix", "fixed", type=fixed, multiple=True, metavar="NAME=VALUE,…", help="Values of an input that no source gives.")  # fmt: skip
@click.option("--move-to", type=FILE, metavar="DIR", help="Where files of a watched folder go once they were run.")  # fmt: skip
@click.option("--socket", "tap_socket", type=FILE, metavar="PATH", help="The monitor's tap socket.")  # fmt: skip
@click.option("--plan", "plan_file", type=FILE, metavar="PLAN", help="Take everything from the `host:` section of a compiled plan; other options win.")  # fmt: skip
@click.option(
    "--model", metavar="ID", help="The model's id in the configuration, where it isn't the bundle's own name."
)
@click.option("--results", is_flag=True, help="Print a JSON object a sample.")
@click.option("--json", "as_json", is_flag=True, help="Print nothing but a JSON object at the end.")
@click.pass_context
def command(
    context: click.Context,
    /,
    bundle: str | None,
    plan_file: Path | None,
    results: bool,
    as_json: bool,
    **given: object,
) -> int:
    """Run BUNDLE on a source; the monitor sees it as it would see the plant's own application.

    BUNDLE is a folder with a manifest.yaml and a model, or the name of a bundle that comes with Jidoka.

    \b
    Examples:
        jidoka host surface-inspection --count 100 --json
        jidoka host surface-inspection --camera camera.json      # then: echo '{"gain": 0.7}' > camera.json
        jidoka host ./my-bundle --source ~/pictures --loop --rate 5
        jidoka host ./my-bundle --source watch:/srv/camera --move-to /srv/done
        jidoka host ./my-policy --source states.csv --results

    Sources, what each needs and gives: docs/sources.md. The host runs whether or not a monitor is there; what could
    not be sent is counted and said.
    """
    from jidoka.host.process import Options, from_plan, run

    if results and as_json:
        raise click.UsageError("--results and --json can't go together.", context)
    if plan_file is not None:
        if bundle is not None:
            raise click.UsageError("Give a BUNDLE or --plan, not both.", context)
        options = from_plan(plan_file)
    elif bundle is not None:
        options = Options(bundle)
    else:
        raise click.UsageError("give a BUNDLE, such as surface-inspection, or --plan.", context)
    chosen = {
        name: value
        for name, value in given.items()
        if value is not None and value is not False and value != ()
    }
    if results or as_json:
        chosen["tells"] = "results" if results else "summary"
    return run(replace(options, **chosen))  # type: ignore[arg-type]
