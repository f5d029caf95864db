"""`jidoka host`: run a model bundle on pictures, watched as any application would be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from jidoka.cli.asking import FILE


@click.command("host", short_help="Run a model bundle on pictures.")
@click.argument("bundle", required=False)
@click.option(
    "--source", metavar="renderer|DIR",
    help="The built-in renderer (the default), or a folder of images, taken in the order of their names.",
)  # fmt: skip
@click.option("--trigger", type=FILE, metavar="PANEL", help="One picture for each line `part N` that the PLC's panel prints.")  # fmt: skip
@click.option("--camera", type=FILE, metavar="FILE", help="JSON file with the renderer's knobs, read again when it changes.")  # fmt: skip
@click.option("--rate", "rate_hz", type=click.FloatRange(0.0, 1000.0), metavar="HZ", help="Pictures a second without a trigger (10); 0: as fast as it goes.")  # fmt: skip
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N pictures.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", help="Start of the renderer's random numbers (1).")  # fmt: skip
@click.option("--loop", "is_looped", is_flag=True, help="Begin the folder again when it ends.")
@click.option("--socket", "tap_socket", type=FILE, metavar="PATH", help="The monitor's tap socket.")  # fmt: skip
@click.option("--plan", "plan_file", type=FILE, metavar="PLAN", help="Take everything from the `host:` section of a compiled plan; other options win.")  # fmt: skip
@click.option(
    "--model", metavar="ID", help="The model's id in the configuration, where it isn't the bundle's own name."
)
@click.option("--results", is_flag=True, help="Print a JSON object a picture.")
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
    """Run BUNDLE on pictures; the monitor sees it as it would see the plant's own application.

    BUNDLE is a folder with a manifest.yaml and a model, or the name of a bundle that comes with Jidoka.

    \b
    Examples:
        jidoka host surface-inspection --count 100 --json
        jidoka host surface-inspection --camera camera.json      # then: echo '{"gain": 0.7}' > camera.json
        jidoka host ./my-bundle --source ~/pictures --loop --rate 5

    It runs whether or not a monitor is there; what could not be sent is counted and said.
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
    chosen = {name: value for name, value in given.items() if value is not None and value is not False}
    if results or as_json:
        chosen["tells"] = "results" if results else "summary"
    return run(replace(options, **chosen))  # type: ignore[arg-type]
