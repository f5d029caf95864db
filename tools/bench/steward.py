"""What the steward takes of the processor while everything runs at 30 inferences a second, and how it answers Prometheus.

python tools/bench/steward.py [--quick] [--json FILE]

The demonstration's plant at 30 parts a second: broker, PLC, guard, monitor, host; nobody watches a terminal. Processor time
is the kernel's own count (/proc/PID/stat) over 60 s; Prometheus scrapes each 5 s meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

# one thread a library, as on the machines this is for; before numpy is imported
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# whatever ends this program, what it started ends too
os.environ["JIDOKA_DIE_WITH_PARENT"] = "1"
# run as a file: rows come from beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jidoka.demo.piece import STATION  # noqa: E402
from jidoka.demo.rig import Rig  # noqa: E402
from jidoka.demo.site import CONFIGURATION, SEED, Site, make_site  # noqa: E402

from tools.bench._rows import AT_LEAST, Row, bench  # noqa: E402

RATE_HZ = 30.0
REACH_PERCENT = 3.0
LEARN_RECORDS = 1000
PROGRAMS = ("steward", "guard", "monitor", "host")
SCRAPE_S = 5.0


def make_fast_site() -> Site:
    # a proving run of 30 parts would be over in a second, in the midst of the press that ends it
    text = CONFIGURATION.replace("proving: {{parts: 30,", "proving: {{parts: 900,")
    assert text != CONFIGURATION
    return make_site(Site, text, RATE_HZ, seed=SEED)


def processor_s(pid: int) -> float:
    """User and system time of a process, seconds (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(is_quick: bool) -> Iterator[Row]:
    """Share of a core of each program; the steward's is held against the reach."""
    with contextlib.closing(Rig(piece=replace(STATION, make_site=make_fast_site))) as rig:
        rig.learn(LEARN_RECORDS)
        rig.start()
        rig.reach_run(limit_s=60.0)
        metrics = rig.site.plan.sections["steward"]["metrics"]
        url = f"http://{metrics['host']}:{metrics['port']}/metrics"
        pids = {name: rig.supervisor.children[name].pid for name in PROGRAMS}
        before = {name: processor_s(pid) for name, pid in pids.items()}
        began_s, records = time.monotonic(), inferences(url)[0]
        until_s = began_s + (8.0 if is_quick else 60.0)
        scrapes_ms: list[float] = []
        next_s = began_s
        # not rig.step: its hands ask for the status ten times a second, as nobody does in a plant
        while time.monotonic() < until_s:
            rig.supervisor.step(0.2)
            if time.monotonic() >= next_s:
                next_s += SCRAPE_S
                scrapes_ms.append(inferences(url)[1])
        took_s = time.monotonic() - began_s
        after = {name: processor_s(pid) for name, pid in pids.items()}
        rate_hz = (inferences(url)[0] - records) / took_s
    yield Row("inferences a second meanwhile", rate_hz, "1/s", 0.9 * RATE_HZ, AT_LEAST)
    for name in PROGRAMS:
        percent = 100.0 * (after[name] - before[name]) / took_s
        yield Row(f"share of a core: {name}", percent, "%", REACH_PERCENT if name == "steward" else None)
    yield Row("a scrape of /metrics, median", statistics.median(scrapes_ms), "ms")


def inferences(url: str) -> tuple[float, float]:
    """(what the host has counted, how long the scrape took in ms)."""
    began_s = time.monotonic()
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    took_ms = 1e3 * (time.monotonic() - began_s)
    lines = [line for line in text.splitlines() if line.startswith("jidoka_inferences_total")]
    return sum(float(line.rpartition(" ")[2]) for line in lines), took_ms


if __name__ == "__main__":
    bench(__doc__ or "", measure)
