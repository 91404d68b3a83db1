"""Exit codes of the jobs, derived from the errors of the science: one list, kept in one place."""

from __future__ import annotations

from typing import Any

from aiida_mlhull.science import errors
from aiida_mlhull.science.errors import MlhullError


def kinds_of_failure() -> list[type[MlhullError]]:
    """All errors of :mod:`aiida_mlhull.science.errors`, by status."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MlhullError)]
    return sorted(kinds, key=lambda kind: kind.status)


def declare_exit_codes(spec: Any) -> None:
    """Give a CalcJob one exit code for every kind of failure."""
    for kind in kinds_of_failure():
        # A failure is never served from the cache: another node may have the device, the memory, the extra.
        spec.exit_code(kind.status, kind.label(), message="{message}", invalidates_cache=True)
