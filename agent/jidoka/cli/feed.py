"""`jidoka feed`: records of a program that can't be changed, from what it writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from jidoka.cli.asking import FILE


@click.command("feed", short_help="Take records from what another program writes.")
@click.argument("bundle", required=False)
@click.option("--listen", type=FILE, metavar="PATH", help="Take lines from programs that connect to this Unix socket.")  # fmt: skip
@click.option("--follow", type=FILE, metavar="FILE", help="Follow a log or table that is being written.")
@click.option("--from-start", "is_from_start", is_flag=True, help="Read what is in the followed file already.")  # fmt: skip
@click.option("--mqtt", metavar="mqtts://HOST/TOPIC", help="Take the messages of an MQTT topic; mqtt:// is without TLS.")  # fmt: skip
@click.option("--password-file", type=FILE, metavar="FILE", help="The broker's password, on its first line.")  # fmt: skip
@click.option("--ca", type=FILE, metavar="FILE", help="Whom the broker's certificate must come from; the system's authorities if left out.")  # fmt: skip
@click.option("--certificate", type=FILE, metavar="FILE", help="This program's certificate at the broker.")  # fmt: skip
@click.option("--certificate-key", type=FILE, metavar="FILE", help="Its key (0600).")  # fmt: skip
@click.option("--rate", "rate_hz", type=click.FloatRange(0.0, 100_000.0), metavar="HZ", help="Most records a second, to replay a file (as they come).")  # fmt: skip
@click.option("--socket", "tap_socket", type=FILE, metavar="PATH", help="The monitor's tap socket.")
@click.option("--plan", "plan_file", type=FILE, metavar="PLAN", help="Take bundle and socket from a compiled plan.")  # fmt: skip
@click.option("--model", metavar="ID", help="The model's id in the configuration, where it isn't the bundle's own name.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print nothing but a JSON object at the end.")
@click.pass_context
def command(
    context: click.Context,
    /,
    bundle: str | None,
    plan_file: Path | None,
    model: str | None,
    as_json: bool,
    **given: object,
) -> int:
    """Hand the monitor records of a program that can't be changed: from lines on standard input, a socket, a followed
    file or an MQTT topic.

    BUNDLE is a folder with a manifest.yaml and a model; its `feed:` section says which fields are which outputs.

    Outputs only, and no gate: the monitor sees neither the program's pictures nor when it hangs, and nothing that
    the program does can be held back here. Where the program can be changed, use the tap (jidoka_tap.watch).

    \b
    Examples:
        their_program | jidoka feed ./bundle
        jidoka feed ./bundle --follow /var/log/inspection.log
        jidoka feed ./bundle --mqtt mqtts://broker/line7/vision/results --ca plant-ca.pem
        jidoka feed ./bundle --follow results.csv --from-start --rate 50 --json

    A line that can't be understood is counted, the first ones are shown, and the feed goes on.
    """
    from jidoka.feed.process import Options, from_plan, run

    sources = [f"--{name}" for name in ("listen", "follow", "mqtt") if given[name] is not None]
    if len(sources) > 1:
        raise click.UsageError(f"{' and '.join(sources)} can't go together.", context)
    if given["is_from_start"] and given["follow"] is None:
        raise click.UsageError("--from-start belongs to --follow.", context)
    for option in ("password_file", "ca", "certificate", "certificate_key"):
        if given[option] is not None and given["mqtt"] is None:
            raise click.UsageError(f"--{option.replace('_', '-')} belongs to --mqtt.", context)
    if (given["certificate"] is None) != (given["certificate_key"] is None):
        raise click.UsageError("--certificate and --certificate-key belong together.", context)
    if plan_file is not None:
        if bundle is not None:
            raise click.UsageError("Give a BUNDLE or --plan, not both.", context)
        options = from_plan(plan_file, model)
    elif bundle is not None:
        options = Options(bundle, model)
    else:
        raise click.UsageError("give a BUNDLE, or --plan.", context)
    chosen = {name: value for name, value in given.items() if value is not None and value is not False}
    if as_json:
        chosen["tells"] = "summary"
    return run(replace(options, **chosen))  # type: ignore[arg-type]
