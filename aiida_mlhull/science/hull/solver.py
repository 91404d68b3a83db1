"""Which solver a problem gets: compiled loops, or the same loops as they stand.

Loading compiled code takes most of a second, in which Python itself solves some thousand small programs. Both do the same
operations in the same order, so that the results are equal to the last bit.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Final

COMPILED: Final = "aiida_mlhull.science.hull.simplex"
AS_IT_STANDS: Final = f"{COMPILED}_as_it_stands"
WORTH_COMPILING: Final = 50_000
"""Columns times elements times programs, over all chemical systems; Python does 100,000 to 200,000 in a second."""


def solver(work: int) -> ModuleType:
    """:mod:`aiida_mlhull.science.hull.simplex`, compiled if that pays for so much ``work``, or if it is loaded already."""
    if work > WORTH_COMPILING or COMPILED in sys.modules:
        return import_module(COMPILED)
    return _as_it_stands()


@cache
def _as_it_stands() -> ModuleType:
    """The same file, nothing of it compiled."""
    found = find_spec(COMPILED)
    assert found is not None
    assert found.origin is not None
    spec = spec_from_file_location(AS_IT_STANDS, found.origin)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
