"""Failures that come from outside this package, recognized by their own kind and never by luck."""

from __future__ import annotations

import errno
import sys
from typing import Final

from aiida_mlhull.science.errors import DiskFullError, MissingExtraError, MlhullError, OutOfMemoryError

CAUGHT: Final = (MlhullError, ModuleNotFoundError, MemoryError, RuntimeError, OSError)
"""Kinds of exceptions among which :func:`recognized` finds failures that are not bugs."""

NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)


def recognized(error: BaseException) -> MlhullError | None:
    """What a failure means for the job; None for a bug, whose traceback is needed."""
    if isinstance(error, MlhullError):
        return error
    if isinstance(error, ModuleNotFoundError):
        return MissingExtraError(install_hint(error))
    if out_of_memory(error):
        return OutOfMemoryError(str(error) or "the node's memory ran out")
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return DiskFullError(
            f"{error.strerror} where the job runs ({error.filename or 'in the middle of a file'}); make room there and "
            f"launch the campaign again: with caching on, jobs that are done are not repeated"
        )
    return None


def out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory, the node's or a graphics card's, has run out."""
    if isinstance(error, MemoryError):
        return True
    # torch is not imported for the question: without it, nothing can have raised its errors.
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(error, RuntimeError):
        return False
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


INSTALLED_BY: Final = {"chgnet": "'aiida-mlhull[potential]'", "sklearn": "scikit-learn"}
"""Module to what ``pip install`` has to be told, where that is not the module's own name."""


def install_hint(error: ModuleNotFoundError) -> str:
    """What to do about a module that is missing."""
    module = (error.name or "a module").partition(".")[0]
    return f"{module} is not installed where this job runs; pip install {INSTALLED_BY.get(module, module)}"
