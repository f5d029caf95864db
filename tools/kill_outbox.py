"""Kill steward, broker, worker and PostgreSQL at random instants while events flow; tear and damage ledger files.

python tools/kill_outbox.py [--part kills|files] [--seed N] [--share X] [--quick] [--json FILE]

Steward 200 kills, broker 50 (mosquitto, persistence on, default autosave), worker 50, PostgreSQL 20; 10 000 torn and 10 000 damaged
files. After everything has settled each entry of the ledger is in the database once, with its body. --seed plays the same
kills and files again (what the machine does in between differs); --share takes that part of all counts. About 25 minutes.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

# run as a file: what is killed comes from tests/, rows from bench/
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.bench._outbox_world import aims, device
from tools.bench._rows import Row, bench
from tools.killing import outbox

KILLS: dict[str, int] = {"steward": 200, "broker": 50, "worker": 50, "PostgreSQL": 20}
FILES = 10_000
QUICK_SHARE = 0.02


def of_programs(rng: random.Random, share: float) -> Iterator[Row]:
    with aims() as world, device(world.broker.port, "press") as place:
        plant = outbox.Plant(place, world, rng)
        for who, full in KILLS.items():
            tally = outbox.kills(plant, who, max(1, round(share * full)))
            _tell(tally.wrong)
            yield Row(
                f"SIGKILL of the {who}: rounds",
                tally.rounds,
                "kills",
                peer=f"{tally.events} transitions meanwhile",
            )
            yield Row(f"SIGKILL of the {who}: lost after commit", tally.lost, "messages", 0.0)
            yield Row(f"SIGKILL of the {who}: doubled", tally.doubled, "messages", 0.0)
            yield Row(
                f"SIGKILL of the {who}: other bodies, or told as lost", len(tally.wrong), "messages", 0.0
            )


def of_files(rng: random.Random, share: float) -> Iterator[Row]:
    count = max(50, round(share * FILES))
    with tempfile.TemporaryDirectory(prefix="jidoka-torn-") as folder:
        torn = outbox.torn_tails(Path(folder), rng, count)
        _tell(torn.wrong)
        peer = f"{torn.cut} cut and told, {torn.refused} refused with the place"
        yield Row("torn tails", torn.tried, "files", peer=peer)
        yield Row("torn tails: lost after commit", torn.lost, "entries", 0.0)
        yield Row("torn tails: bytes cut that nobody was told of", torn.silent, "files", 0.0)
        damaged = outbox.damaged_files(Path(folder), rng, count)
        _tell(damaged.wrong)
        peer = f"{damaged.refused} refused with the place, {damaged.cut} told as a torn tail"
        yield Row("damage anywhere in a file", damaged.tried, "files", peer=peer)
        yield Row("damage anywhere in a file: not told", damaged.silent, "files", 0.0)


def _tell(wrong: list[str]) -> None:
    for each in wrong[:10]:
        print(f"  {each}", file=sys.stderr)


PARTS: dict[str, Callable[[random.Random, float], Iterator[Row]]] = {"files": of_files, "kills": of_programs}


def measure(share: float, seed: int, parts: list[str]) -> Iterator[Row]:
    for part in parts:
        print(
            f"seed {seed}: python tools/kill_outbox.py --part {part} --seed {seed} --share {share:g}",
            file=sys.stderr,
        )
        yield from PARTS[part](random.Random(f"{part} {seed}"), share)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--part", choices=list(PARTS))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--share", type=float)
    given, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    chosen = [given.part] if given.part else list(PARTS)
    bench(
        __doc__ or "",
        lambda is_quick: measure(given.share or (QUICK_SHARE if is_quick else 1.0), given.seed, chosen),
    )
