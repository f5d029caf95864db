"""Makes the files for Prometheus and Grafana from the one table of rules and panels (tools/_alert_rules.py).

python tools/prometheus_files.py [--check]

Writes deploy/prometheus/jidoka.rules.yml, its unit tests jidoka.rules.test.yml (`promtool test rules`), and the dashboard
deploy/grafana/jidoka.json. Every metric that they name must be in jidoka_bridge.metrics; else it writes nothing.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

from jidoka_bridge.metrics import METRICS
from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools._alert_rules import ROWS, RULES, Panel, Rule

ROOT = Path(__file__).resolve().parents[1]
PROMETHEUS, GRAFANA = ROOT / "deploy" / "prometheus", ROOT / "deploy" / "grafana"
INSTANCE = "line7:9464"
HEAD = "# Made by tools/prometheus_files.py from tools/_alert_rules.py; don't edit.\n"
#: a label in braces, as the table writes it
LABEL = re.compile(r"\{\{(\w+)\}\}")
NAME = re.compile(r"\bjidoka_\w+")


def unknown_metrics() -> set[str]:
    """What rules or panels name and no program sends."""
    known = {f"jidoka_{metric.name}" for metric in METRICS}
    texts = [rule.expr for rule in RULES] + [key for rule in RULES for key in (*rule.fires, *rule.quiet)]
    texts += [expr for panels in ROWS.values() for panel in panels for expr, _ in panel.queries]
    return {name for text in texts for name in NAME.findall(text)} - known


def rules() -> dict[str, Any]:
    """The rule file as Prometheus loads it."""
    return {"groups": [{"name": "jidoka", "rules": [_rule(each) for each in RULES]}]}


def _rule(rule: Rule) -> dict[str, Any]:
    told = {"summary": rule.summary, "remedy": rule.remedy}
    return {
        "alert": rule.name, "expr": rule.expr, "for": rule.held_for, "labels": {"severity": rule.severity},
        "annotations": {key: LABEL.sub(r"{{ $labels.\1 }}", text) for key, text in told.items()},
    }  # fmt: skip


def unit_tests() -> dict[str, Any]:
    """For `promtool test rules`: each rule fires in its story, and not in the other."""
    tests = []
    for rule in RULES:
        tests += [_test(rule, rule.fires, fires=True), _test(rule, rule.quiet, fires=False)]
    return {"rule_files": ["jidoka.rules.yml"], "evaluation_interval": "1m", "tests": tests}


def _test(rule: Rule, story: dict[str, str], *, fires: bool) -> dict[str, Any]:
    case: dict[str, Any] = {"eval_time": rule.after, "alertname": rule.name}
    if fires:
        labels = {"severity": rule.severity, **_labels(rule)}
        told = {"summary": rule.summary, "remedy": rule.remedy}
        annotations = {key: LABEL.sub(lambda found: labels[found[1]], text) for key, text in told.items()}
        case["exp_alerts"] = [{"exp_labels": labels, "exp_annotations": annotations}]
    series = [{"series": _series(name), "values": values} for name, values in story.items()]
    return {"interval": "1m", "input_series": series, "alert_rule_test": [case]}


def _labels(rule: Rule) -> dict[str, str]:
    """Of the alert that fires: what its expression leaves of the series' labels."""
    own = dict(re.findall(r'(\w+)="([^"]*)"', rule.labels))
    is_summed = "sum by" in rule.expr
    return {"instance": INSTANCE, **({} if is_summed else {"job": "jidoka"}), **own}


def _series(name: str) -> str:
    bare, _, labels = name.partition("{")
    given = f",{labels[:-1]}" if labels else ""
    return f'{bare}{{job="jidoka",instance="{INSTANCE}"{given}}}'


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for heading, row in ROWS.items():
        panels.append({
            "type": "row", "title": heading, "id": len(panels) + 1, "collapsed": False, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": 24, "h": 1},
        })  # fmt: skip
        x, y = 0, y + 1
        for panel in row:
            if x + panel.width > 24:
                x, y = 0, y + 8
            panels.append(_panel(panel, len(panels) + 1, x, y))
            x += panel.width
        y += 8
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "title": "Jidoka", "uid": "jidoka", "tags": ["jidoka"], "schemaVersion": 39, "version": 1, "editable": True,
        "refresh": "10s", "time": {"from": "now-8h", "to": "now"}, "annotations": {"list": []}, "panels": panels,
        "templating": {"list": [
            {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
            {"name": "device", "label": "Device", "type": "query", "datasource": source, "multi": True, "includeAll": True,
             "allValue": ".*", "current": {"text": "All", "value": "$__all"}, "refresh": 2, "sort": 1,
             "query": {"query": "label_values(jidoka_recording, instance)", "refId": "device"},
             "definition": "label_values(jidoka_recording, instance)"},
        ]},
    }  # fmt: skip


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    targets = [
        {"refId": chr(ord("A") + place), "datasource": source, "expr": expr, "legendFormat": legend, "range": True}
        for place, (expr, legend) in enumerate(panel.queries)
    ]  # fmt: skip
    return {
        "type": panel.kind, "title": panel.title, "id": number, "datasource": source, "targets": targets,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": 8},
        "fieldConfig": {"defaults": {"unit": panel.unit, "custom": {"lineWidth": 1, "fillOpacity": 10}}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    }  # fmt: skip


def as_yaml(value: Any) -> str:
    """YAML as people write it."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 150
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(value, out)
    return HEAD + out.getvalue()


def targets() -> dict[Path, str]:
    """File → what it holds."""
    return {
        PROMETHEUS / "jidoka.rules.yml": as_yaml(rules()),
        PROMETHEUS / "jidoka.rules.test.yml": as_yaml(unit_tests()),
        GRAFANA / "jidoka.json": json.dumps(dashboard(), indent=1) + "\n",
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    options = parser.parse_args()
    if unknown := unknown_metrics():
        print(f"no program sends {', '.join(sorted(unknown))}", file=sys.stderr)
        return 1
    found = targets()
    stale = [path for path, text in found.items() if not path.exists() or path.read_text() != text]
    if options.check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run python tools/prometheus_files.py", file=sys.stderr)
        return 1 if stale else 0
    for path, text in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    print(f"wrote {len(found)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
