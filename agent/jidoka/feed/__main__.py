"""`python -m jidoka.feed …` is `jidoka feed …`."""

import sys

from jidoka.cli.main import main

main(["feed", *sys.argv[1:]])
