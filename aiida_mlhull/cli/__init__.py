"""The command line: click and text; AiiDA is loaded by the commands that need it, so that it answers quickly."""

from aiida_mlhull.cli.root import main

__all__ = ["main"]
