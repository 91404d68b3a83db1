"""The commands around published studies: what they found, and what comes out here."""

from aiida_mlhull.cli.studies.commands import study

__all__ = ["study"]
