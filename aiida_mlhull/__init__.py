"""Find the phases on the convex hull with a fraction of the relaxations, and prove why.

The package has two halves. Everything below :mod:`aiida_mlhull.science` runs without AiiDA;
everything else puts it into AiiDA's graph and does no arithmetic of its own.

From Python, :class:`~aiida_mlhull.graph.campaign.Campaign` asks what a campaign has done, and
:func:`~aiida_mlhull.launching.launch.launch` starts one. Both are imported when they are first used, so that
importing the package needs no AiiDA.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

__version__ = "0.1.0"

_PUBLIC: Final = {
    "Campaign": "aiida_mlhull.graph.campaign",
    "extend": "aiida_mlhull.launching.extension",
    "launch": "aiida_mlhull.launching.launch",
    "prepare": "aiida_mlhull.launching.launch",
    "to_frame": "aiida_mlhull.science.tables.export",
}
"""Module of every public name: by name, because the science, which imports the version from here, knows none of them."""


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
