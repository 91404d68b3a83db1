"""What is worth knowing about a run later: versions, device, memory."""

from __future__ import annotations

import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import Final

PACKAGES: Final = {
    "aiida_mlhull": "aiida-mlhull",
    "chgnet": "chgnet",
    "numpy": "numpy",
    "pymatgen": "pymatgen",
    "sklearn": "scikit-learn",
    "torch": "torch",
}
"""Module to distribution of what can change a result."""


def versions() -> dict[str, str]:
    """Python and those of :data:`PACKAGES` that this process has really imported."""
    found = {"python": python_version()}
    for module, distribution in PACKAGES.items():
        if module in sys.modules:
            found[distribution] = _version(distribution)
    return found


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "unknown"


def check_device(name: str) -> None:
    """Refuse a device that isn't there before any work is done.

    Raises:
        DeviceError: if it isn't.
    """
    if name != "cpu":
        from aiida_mlhull.science.models.training.devices import torch_device  # noqa: PLC0415  (loads torch)

        torch_device(name)


def device_used() -> str:
    """The device that this process has really computed on, with its model: ``"cuda (NVIDIA H200)"``."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or torch.cuda.max_memory_allocated() == 0:
        return "cpu"
    return f"cuda ({torch.cuda.get_device_name()})"


def peak_memory_mib() -> float:
    """MiB that the largest process of this job has held."""
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
