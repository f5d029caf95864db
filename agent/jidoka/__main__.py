"""`python -m jidoka`: the command without its script."""

from jidoka.cli.main import main

main()
