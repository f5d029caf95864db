"""`python -m jidoka.host …` is `jidoka host …`."""

import sys

from jidoka.cli.main import main

main(["host", *sys.argv[1:]])
