"""`python -m jidoka.cli`: the command line without its script."""

from jidoka.cli.main import main

main()
