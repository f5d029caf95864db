"""An application that sends as fast as the kernel takes it: `python -m tests.monitor.flooder SOCKET MODEL KIND`.

KIND: `records` that are good, `garbage`, or `both`. Ends with stdin's end, and says on stdout how much it sent.
"""

from __future__ import annotations

import itertools
import select
import sys
from pathlib import Path

import numpy as np

from tests.monitor import line
from tests.monitor.application import Application


def flood(path: Path, model: str, kind: str) -> None:
    """Send until stdin ends. A queue that is full is waited for, as the sender costs nothing then."""
    application = Application(path, model=model)
    application.read_welcome()
    rng = np.random.default_rng(1)
    contents = [line.tensors(rng) for _ in range(1000)]
    print("flooding", flush=True)
    records = garbage = 0
    for number in itertools.count(1):
        if number % 100 == 0 and select.select([sys.stdin], [], [], 0)[0]:
            break
        if kind == "records" or (kind == "both" and number % 2):
            application.send(number, contents[number % len(contents)])
            records += 1
        else:
            application.sock.send(b"no message " * 10)
            garbage += 1
    print(records, garbage, flush=True)
    sys.stdin.read()  # the connection stays until all was read


if __name__ == "__main__":
    flood(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
