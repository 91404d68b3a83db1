"""Memory and disks that ran out and packages that are missing, told apart from bugs."""

from __future__ import annotations

import errno
import os

import pytest

from aiida_mlhull.science.errors import DiskFullError, OutOfMemoryError, StoppedError
from aiida_mlhull.science.program.failures import install_hint, out_of_memory, recognized


def test_memory_error():
    assert out_of_memory(MemoryError("no"))


def test_torch_on_the_processor():
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert out_of_memory(caught.value)


def test_torch_on_a_card():
    torch = pytest.importorskip("torch")
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))


@pytest.mark.parametrize("bug", [RuntimeError("dictionary changed size"), ValueError("no"), KeyError("memory")])
def test_bugs_are_no_lack_of_memory(bug):
    assert not out_of_memory(bug)


def test_missing_extra_is_named():
    assert "pip install 'aiida-mlhull[potential]'" in install_hint(ModuleNotFoundError("no", name="chgnet.model"))


def test_missing_package_is_named():
    assert "pip install scikit-learn" in install_hint(ModuleNotFoundError("no", name="sklearn.ensemble"))
    assert "pip install scipy" in install_hint(ModuleNotFoundError("no", name="scipy"))


def test_own_errors_are_what_they_are():
    stopped = StoppedError("by a signal")
    assert recognized(stopped) is stopped


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disks_and_quotas(number):
    failure = recognized(OSError(number, os.strerror(number), "labels.parquet.part"))
    assert isinstance(failure, DiskFullError)
    assert "labels.parquet.part" in str(failure)


def test_memory_is_recognized():
    assert isinstance(recognized(MemoryError()), OutOfMemoryError)


@pytest.mark.parametrize("bug", [PermissionError(errno.EACCES, "no"), FileNotFoundError(errno.ENOENT, "no")])
def test_other_errors_of_files_are_bugs(bug):
    assert recognized(bug) is None
