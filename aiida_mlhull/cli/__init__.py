"""The command line of people: thin, and quick to answer, because AiiDA is loaded by the commands that need it."""

from aiida_mlhull.cli.root import main

__all__ = ["main"]
