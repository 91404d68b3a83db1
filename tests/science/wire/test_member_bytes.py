"""Equal members are equal bytes, and bytes that aren't a member are told apart."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.types import MemberWeights
from aiida_mlhull.science.wire import decode_member, encode_member


def member() -> MemberWeights:
    arrays = {name: np.arange(12.0, dtype=kind).reshape(4, 3) for name, kind in (("b", "f4"), ("a", "f8"), ("c", "i8"))}
    return MemberWeights(arrays=arrays, meta={"scale": 2.0}, scores={"validation_mse": 0.1}, seed=5)


def test_the_same_member_always_gives_the_same_bytes() -> None:
    assert len({encode_member(member()) for _ in range(20)}) == 1


def test_a_member_comes_back() -> None:
    back = decode_member(encode_member(member()))
    assert (back.meta, back.scores, back.seed) == (member().meta, member().scores, 5)
    for name, array in member().arrays.items():
        assert back.arrays[name].dtype == array.dtype
        assert np.array_equal(back.arrays[name], array)


@pytest.mark.parametrize(
    "content",
    [b"", encode_member(member())[:-1], encode_member(member())[:40], save({"a": np.zeros(3)}), b"\x80\x04pickle"],
    ids=["empty", "truncated", "truncated header", "somebody else's", "pickle"],
)
def test_anything_else_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(WeightsError, match=r"member_007"):
        decode_member(content, name="member_007")
