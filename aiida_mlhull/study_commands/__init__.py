"""The commands around published studies: what was found, and what comes out here."""

from aiida_mlhull.study_commands.commands import study

__all__ = ["study"]
