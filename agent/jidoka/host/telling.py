"""What the host tells: a line of counts that is kept alive, a JSON line a sample, or a JSON object at the end."""

from __future__ import annotations

import logging
import sys
from typing import Any

from jidoka.config.manifest import Bundle
from jidoka.host.model import Use
from jidoka.host.runner import Tally
from jidoka.host.sources.kinds import RENDERER
from jidoka.host.sources.sample import Source

log = logging.getLogger(__name__)


def say(text: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def say_counts(tally: Tally, tap: Any, end: str = "") -> None:
    """The counts, in one line that is written over on a terminal."""
    line = tally.line(tap.model, tap.counts.is_connected)
    say(f"\r\033[K{line}{end}" if sys.stdout.isatty() else f"{line}\n")


def say_what_it_means(bundle: Bundle, use: Use) -> None:
    """Samples from elsewhere: the maker of the bundle knows whether its answers mean anything there."""
    if use.is_for_the_renderer:
        log.warning(
            "%s was made for the pictures of the built-in renderer: on these its classes mean nothing. "
            "The monitor's measures of the picture (brightness, contrast, sharpness, noise) hold.",
            bundle.title,
        )
    for text in use.not_for:
        log.warning("not for: %s", text)


def summary(bundle: Bundle, use: Use, source: Source, tally: Tally, tap: Any) -> dict[str, Any]:
    """The object that `--json` prints."""
    counts = tap.counts
    found: dict[str, Any] = {
        "model": tap.model, "version": bundle.version, "sha256": bundle.sha256, "source": source.text,
        "samples": tally.samples, "records": tally.records, "classes": tally.classes, "good": tally.good,
        "right": tally.right if tally.known else None, "rate_hz": round(tally.rate_hz, 3),
        "means_something": source.text == RENDERER or not use.is_for_the_renderer,
        "intended_use": use.intended, "not_for": list(use.not_for),
        "tap": {"socket": tap.path, "sent": counts.sent, "dropped": counts.dropped,
                "tensors_not_sent": counts.tensors_not_sent},
    }  # fmt: skip
    if tally.extremes:
        found["command"] = {name: list(extremes) for name, extremes in tally.extremes.items()}
    if any(source.counts().values()):
        found["of_the_source"] = source.counts()
    return found
