"""`python -m jidoka_tap.attach [OPTIONS] -- COMMAND`: as `jidoka attach`, where the tap alone is installed."""

import argparse
import os
import sys
from typing import List

from jidoka_tap.attach.launch import start
from jidoka_tap.attach.settings import Settings


def main(words: List[str]) -> None:
    """Start the command, or end with 2 and a line that says why not."""
    parser = argparse.ArgumentParser(
        prog="python -m jidoka_tap.attach",
        usage="%(prog)s [--model ID] [--socket PATH] [--no-children] -- COMMAND [ARGUMENTS]",
        description="Start a Python application whose onnxruntime sessions the Jidoka monitor sees. It isn't changed, "
        "never waits for the monitor, and nothing can be refused: there is no gate.",
    )
    parser.add_argument(
        "--model", default="", help="the application's only model (else each is found by its file)"
    )
    parser.add_argument("--socket", help="the monitor's tap socket")
    parser.add_argument(
        "--no-children", action="store_true", help="leave the application's child processes alone"
    )
    own, command = words, words[:0]
    if "--" in words:
        own, command = words[: words.index("--")], words[words.index("--") + 1 :]
    given = parser.parse_args(own)
    if not command:
        parser.error("give the application's command behind --, such as: -- python app.py")
    try:
        start(command, Settings(given.model, None, given.socket, not given.no_children), os.environ)
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error("%s can't be started: %s" % (command[0], error.strerror))


if __name__ == "__main__":
    main(sys.argv[1:])
