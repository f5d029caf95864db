"""What the commands below `jidoka baseline` share: which model is meant, and JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan


def model_named(plan: Plan, wanted: str | None) -> str:
    """The model that --model names, or the only one. Raises click.UsageError."""
    names = [model.id for model in plan.models]
    if wanted in names:
        return str(wanted)
    if wanted is None and len(names) == 1:
        return names[0]
    raise click.UsageError(
        f"--model must name one of {', '.join(names)}" + (f", not {wanted}" if wanted else "")
    )


def print_json(value: Any) -> None:
    """Print it; a number that JSON doesn't have is null."""
    click.echo(json.dumps(_plain(value), indent=1))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
