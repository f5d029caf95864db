"""Counters of all programs (contract C7) as Prometheus reads them, from the one table in jidoka_bridge.metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jidoka_bridge.errors import ConfigurationError
from jidoka_bridge.metrics import BY_INDEX, LABEL_VALUES, METRICS, Metric
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

MAX_SERIES = 4096
PROGRAMS = frozenset(metric.program for metric in METRICS)


@dataclass
class Counters:
    """The newest value of each metric and labels. models: the only values that a `model` label may have."""

    models: frozenset[str]
    values: dict[int, dict[tuple[str, ...], float]] = field(default_factory=dict)
    _heard: set[tuple[str, str]] = field(default_factory=set)

    def take(self, body: Mapping[str, Any]) -> int:
        """Take a COUNTERS body {"program", "labels", "values": {index: number}}; returns how many values were refused."""
        labels = body.get("labels")
        values = body.get("values")
        if not isinstance(values, dict):
            return 1
        labels = labels if isinstance(labels, dict) else {}
        refused = 0
        for index, value in values.items():
            refused += not self.put(index, value, labels)
        self._begin(str(body.get("program", "")), str(labels.get("model", "")))
        return refused

    def count(self, index: int, labels: Mapping[str, Any], by: float = 1.0) -> None:
        """Add to a counter of the steward's own. Raises KeyError for a metric or labels that the table hasn't."""
        metric = BY_INDEX[index]
        key = tuple(str(labels[name]) for name in metric.labels)
        self.put(index, self.values.get(index, {}).get(key, 0.0) + by, labels)

    def zero(self, index: int, label: str, **labels: str) -> None:
        """Begin a counter at 0 for each value of a label from a fixed table: what never happened is shown, too."""
        for value in sorted(LABEL_VALUES[label]):
            each = {**labels, label: value}
            key = tuple(each[name] for name in BY_INDEX[index].labels)
            if key not in self.values.get(index, {}):
                self.put(index, 0, each)

    def _begin(self, program: str, model: str) -> None:
        """What a program refused begins at 0 once it is heard of: `rate()` needs the first step, too."""
        if (program, model) in self._heard or (model and model not in self.models):
            return
        if program in PROGRAMS:
            self._heard.add((program, model))
        for metric in METRICS:
            if metric.program == program and metric.labels == ("model", "reason") and model:
                self.zero(metric.number, "reason", model=model)
            elif metric.program == program and metric.labels == ("reason",):
                self.zero(metric.number, "reason")

    def put(self, index: object, value: object, labels: Mapping[str, Any]) -> bool:
        """One value. False: no such metric, labels that don't fit it, no number, or too many series."""
        try:
            metric = BY_INDEX[int(str(index))]
            key = tuple(str(labels[name]) for name in metric.labels)
            number = float(str(value))
        except (KeyError, ValueError):
            return False
        if "model" in metric.labels and labels["model"] not in self.models:
            return False
        if any(str(labels[name]) not in LABEL_VALUES[name] for name in metric.labels if name in LABEL_VALUES):
            return False
        series = self.values.setdefault(metric.number, {})
        if key not in series and sum(map(len, self.values.values())) >= MAX_SERIES:
            return False
        series[key] = number
        return True


class TableCollector(Collector):
    """Hands the counters to prometheus-client; names get the prefix `jidoka_`."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        for metric in METRICS:
            series = dict(self._counters.values.get(metric.number, {}))
            if series:
                yield _family(metric, series)


def _family(
    metric: Metric, series: Mapping[tuple[str, ...], float]
) -> CounterMetricFamily | GaugeMetricFamily:
    make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = make(f"jidoka_{metric.name}", metric.help, labels=list(metric.labels))
    for labels, value in series.items():
        family.add_metric(list(labels), value)
    return family


def registry_of(counters: Counters) -> CollectorRegistry:
    """What prometheus-client serves."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(TableCollector(counters))
    return registry


def serve(counters: Counters, host: str, port: int) -> int:
    """Serve /metrics at host:port (0: any free port) on a thread; returns the port. Raises ConfigurationError."""
    try:
        server, _ = start_http_server(port, host, registry_of(counters))
    except OSError as error:
        raise ConfigurationError(
            f"metrics: can't listen at {host}:{port}: {error.strerror}",
            "Choose another port, or 0 for a free one.",
        ) from None
    return int(server.server_port)
