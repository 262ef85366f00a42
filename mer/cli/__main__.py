"""`python -m mer.cli`, where the package is not installed."""

from mer.cli.main import main

main()
