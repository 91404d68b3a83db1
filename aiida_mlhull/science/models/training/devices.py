"""Where tensors live, and how to compute the same bits twice."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import torch

from aiida_mlhull.science.errors import DeviceError

# Of glibc's malloc.h, and what they are set to: blocks up to 1 GiB come from the heap, which is never trimmed.
_TRIM_THRESHOLD: Final = (-1, 2**31 - 1)
_MMAP_THRESHOLD: Final = (-3, 2**30)


def torch_device(name: str) -> torch.device:
    """The device called ``name``; ``"auto"`` is an accelerator where there is one, else the processor.

    Raises:
        DeviceError: if this machine doesn't have it.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"{name!r} is not the name of a device; use cpu, cuda, cuda:1 or auto") from None
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device.type, False) or (
        device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()
    ):
        raise DeviceError(f"device {name!r} was asked for, but this machine has none; use cpu or auto")
    return device


@contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """One thread, deterministic kernels and a copy of torch's chance; all is put back afterwards.

    Sums in another order give other bits, so that the number of threads must not depend on the machine.
    Members are processes of their own: one thread each is also the fastest way to share cores. New tensors
    are not filled with NaN, as torch does to expose reads of unwritten memory: that takes half of the time.
    """
    keep_freed_memory()
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    memory: Any = torch.utils.deterministic  # a module with a property, which annotations can't say
    filled = memory.fill_uninitialized_memory
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    memory.fill_uninitialized_memory = False
    try:
        with torch.random.fork_rng(devices=()):
            yield
    finally:
        memory.fill_uninitialized_memory = filled
        torch.use_deterministic_algorithms(mode=deterministic)
        torch.set_num_threads(threads)


@cache
def keep_freed_memory() -> None:
    """Tell glibc to keep large freed blocks, once per process; other C libraries are left alone.

    A network allocates the same large tensors in every step. By default each goes back to the system when freed, and
    the next one is mapped and cleared page by page, which can take longer than the arithmetic.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        for parameter, value in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            mallopt(parameter, value)
