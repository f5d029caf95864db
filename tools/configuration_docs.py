"""Writes docs/configuration.md and docs/bundles.md from the schemas: python tools/configuration_docs.py [--check].

With --check nothing is written, and a page that is stale is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from jidoka.config import conditions, judgeable
from jidoka.config.manifest_schema import Manifest
from jidoka.config.quantities import SECONDS
from jidoka.config.schema import Configuration

ROOT = Path(__file__).resolve().parents[1]

sys.path.insert(0, str(ROOT))

from tools import _settings_docs  # noqa: E402 - found by the line above

DOCS = ROOT / "docs"

HEAD = """# Configuration

<!-- Made by tools/configuration_docs.py from agent/jidoka/config/schema/; don't edit. -->

One YAML file describes one device. [configs/visual-inspection.yaml](../configs/visual-inspection.yaml) is an example
that is valid as it stands: copy it, change a line, and ask. The others in that folder are for other models.

    jidoka validate configs/visual-inspection.yaml

Every fault is named at once, as `file:line:column: what is wrong; what would be right`, and the exit code is 3.
An option that isn't below is an error, so is a key that is given twice, an alias (`*name`) or a tag (`!!name`).
Relative paths start at the file's own folder. What a model is stands in its bundle's manifest: [bundles.md](bundles.md).

"""


def main() -> int:
    """Write the pages, or compare them. Returns the exit code."""
    stale = 0
    for name, page in PAGES.items():
        path, text = DOCS / name, page()
        if "--check" not in sys.argv[1:]:
            DOCS.mkdir(exist_ok=True)
            path.write_text(text)
        elif not path.is_file() or path.read_text() != text:
            print(f"{path} is stale: run python tools/configuration_docs.py", file=sys.stderr)
            stale = 1
    return stale


def configuration() -> str:
    """All of docs/configuration.md."""
    quantities = QUANTITIES.format(units=", ".join(f"`{unit}`" for unit in SECONDS))
    return "\n".join([HEAD + _settings_docs.page(Configuration, "The file"), quantities, conditions_table()])


def bundles() -> str:
    """All of docs/bundles.md."""
    return "\n".join([BUNDLES + _settings_docs.page(Manifest, "The manifest"), needs_table()])


QUANTITIES = """## Quantities

- A duration is a number with a unit: {units}. A bare number is refused, and 0 never means "never".
- A budget is `1 per 90 days`, `1 per 10000 records` or `1 per 5000 parts`.
- A size is `64 kB`, `8 MB` or `4 MiB`.
- A rate is `10 per s`, `600 per min` or `10 Hz`.
- A speed is `250 mm/s`, `0.25 m/s` or `15 m/min`.
"""


def conditions_table() -> str:
    """What a `when:` may name."""
    rows = [
        "## Conditions of `when:`\n",
        "Joined by `or` and `and`: `a or b`, `a and b`, `(a or b) and c`. Anything richer is two risks: the worst",
        "response that is active wins. A `drift(…)` needs `false_alarms:`, one budget for each model's detector.\n",
        "| condition | is on when |",
        "|---|---|",
    ]
    rows += [f"| `{each.name}` | {each.meaning} |" for each in conditions.CONDITIONS]
    return "\n".join(rows) + "\n"


BUNDLES = """# Bundles

<!-- Made by tools/configuration_docs.py from agent/jidoka/config/manifest_schema.py; don't edit. -->

A bundle is a folder with a model file and `manifest.yaml`, which says what the model is, what it may be used for, and
what goes in and comes out. The file's digest stands in it: another file isn't run and isn't what a baseline was
learned for. Let the manifest be drafted from the file, fill in what only a person knows, and ask:

    jidoka model inspect yolox_nano.onnx -o bundles/yolox-nano
    jidoka model check bundles/yolox-nano

The draft says `FILL IN` where a person must decide, and guesses stand as comments (`# guess: …`). As long as a
`FILL IN` is left, the bundle is refused with its line and what to write. Every fault is named at once, as in a
configuration ([configuration.md](configuration.md), where the quantities are explained too).

**An embedding**, the numbers just before a model's answer, shows changes that leave its confidence as it was. Few files
put one out; this makes a bundle whose model does, with its other outputs bit for bit what they were (it runs both to
prove it):

    jidoka model expose classifier.onnx --auto -o bundles/classifier

`--auto` takes what goes into the last linear layer, `--tensor NAME` any other tensor that the graph computes. Mark it in
the manifest with `role: embedding` and `monitored: true`, as the draft does, and a risk may say `drift(embedding)`. Its
number of entries must be stated: `[batch, D]`; `[batch, tokens, D]` is averaged over the tokens, a feature map
`[batch, D, rows, columns]` over the picture (choose a small one, each record carries it). The first half of a baseline is
used up to fit what good embeddings look like, so learn twice as many records as without one.

A detector and a control model, as far as they differ from [the one that comes along](../models/surface-inspection/manifest.yaml):

```yaml
task: detector
inputs:
  - {name: images, dtype: float32, shape: [1, 3, 416, 416], layout: NCHW, colour: BGR, range: [0, 255], monitored: true}
outputs:
  - name: output
    dtype: float32
    shape: [1, 3549, 85]
    role: detections
    boxes: {format: cxcywh, size: [416, 416], score: 4, classes: 5}
    min_score: 0.3
```

```yaml
task: control
period: 20 ms
inputs:
  - {name: obs, dtype: float32, shape: [1, 6], monitored: true, channels: [q1, q2, dq1, dq2, target1, target2]}
outputs:
  - name: torque
    dtype: float32
    shape: [1, 2]
    role: command
    channels:
      - {name: shoulder, unit: N·m, low: -30, high: 30, rate: 900, jerk: 80000}
      - {name: elbow, unit: N·m, low: -12, high: 12, rate: 400, jerk: 40000}
limits:
  saturation: {at: 0.98, share: 0.5, records: 50}
  chatter: {share: 0.6, records: 50}
  tracking: {state: {input: obs, entries: [0, 1]}, target: {input: obs, entries: [4, 5]}, limit: 0.2}
```

"""


def needs_table() -> str:
    """Which conditions a bundle lets the monitor judge."""
    rows = [
        "## What can be judged\n",
        "A `when:` of the configuration may name a condition only where the bundle lets it be judged. All others can be",
        "judged of every model.\n",
        "| condition | can't be judged where the manifest |",
        "|---|---|",
    ]
    rows += [f"| `{need.condition}` | {need.lack} |" for need in judgeable.NEEDS]
    return "\n".join(rows) + "\n"


PAGES: dict[str, Callable[[], str]] = {"configuration.md": configuration, "bundles.md": bundles}

if __name__ == "__main__":
    sys.exit(main())
