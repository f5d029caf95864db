"""A bundle whose manifest has a `feed:` section."""

from __future__ import annotations

from pathlib import Path

from tests.host.bundles import changed_bundle

JSON = "feed: {format: json, outputs: {logits: scores}, part: part, latency: took}\n"
LOG = (
    "feed:\n  format: log\n  pattern: 'part=(?P<part>\\d+) class=(?P<name>\\w+) p=(?P<p>\\S+)'\n"
    "  outputs: {logits: {class: name, confidence: p}}\n  part: part\n"
)
CSV = "feed: {format: csv, outputs: {logits: [ok, scratch, pit, dent]}, part: part}\n"


def fed_bundle(folder: Path, feed: str = JSON) -> Path:
    """A copy of the shipped bundle with this `feed:` section."""
    bundle = changed_bundle(folder)
    manifest = bundle / "manifest.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8") + feed, encoding="utf-8")
    return bundle
