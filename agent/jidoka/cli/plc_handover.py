"""`jidoka plc handover`: everything for a PLC's programmer who gets no other document and comes once."""

from __future__ import annotations

import json
from pathlib import Path

import click

from jidoka.cli.asking import FILE


@click.command("handover")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("configuration", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the files and their digests as JSON.")
def command(*, folder: Path, configuration: Path, as_json: bool) -> None:
    """Write everything that the PLC's programmer needs for the site of CONFIGURATION into DIR.

    The function block with this site's values as importable source (SCL, PLCopen XML, Structured Text), wiring drawing,
    register table, texts for the panel in four languages, test protocol, hazard questions, how A is wired into the reject
    path and how all comes out again. index.html has all of it and prints well. The same site gives the same bytes.

    \b
    Example:
      jidoka plc handover handover/ line7.yaml
    """
    from jidoka.cli.plc_site import site_of
    from jidoka.commissioning.records import entries
    from jidoka.commissioning.site import reaction_of_site
    from jidoka.handover.targets import TARGETS, advice
    from jidoka.handover.write import MANIFEST, files_of, write

    site = site_of(configuration)
    reaction = reaction_of_site(site.plc, site.plan, entries(site.plan.state_dir))
    files = files_of(site.plan, site.line, reaction)
    write(folder, files)
    for target in TARGETS:
        hint = advice(site.line, target)
        if hint:
            click.echo(f"{target.name}: {hint}", err=True)
    if as_json:
        sums = [line.split("  ") for line in files[MANIFEST].decode().splitlines()[1:]]
        click.echo(json.dumps({name: digest for digest, name in sums}, indent=1))
        return
    click.echo(f"{folder}: {len(files)} files for {site.plan.site}/{site.plan.line}/{site.plan.device}.")
    click.echo(f"Open {folder / 'index.html'} and print it; give the whole folder away.")
