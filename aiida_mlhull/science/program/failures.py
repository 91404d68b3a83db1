"""Failures that come from outside this package, recognized by their own kind and never by luck."""

from __future__ import annotations

import sys
from typing import Final


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
