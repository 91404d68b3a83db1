"""Equal members are equal bytes, and bytes that aren't a member are told apart."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.types import EnsembleWeights, MemberWeights
from aiida_mlhull.science.wire import decode_ensemble, decode_member, encode_ensemble, encode_member


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
    ids=["empty", "truncated", "truncated header", "another program's", "pickle"],
)
def test_anything_else_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(WeightsError, match=r"member_007"):
        decode_member(content, name="member_007")


def with_facts(**changes: object) -> bytes:
    """A safetensors file whose header says something else than a member's."""
    described = {"format": "mlhull-member", "version": 1, "facts": {"meta": {}, "scores": {}, "seed": 0}} | changes
    return save({"a": np.zeros(3)}, metadata={"mlhull": json.dumps(described)})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (with_facts(facts=None), "not a readable weights file"),
        (with_facts(facts={"meta": {}}), "not a readable weights file"),
        (with_facts(version=99), "format mlhull-member 99, not mlhull-member 1"),
        (with_facts(format="other"), "format other 1"),
    ],
)
def test_headers_of_others_are_refused_by_name(content: bytes, message: str) -> None:
    with pytest.raises(WeightsError, match=rf"member_007.*{message}"):
        decode_member(content, name="member_007")


def test_single_numbers_stay_single() -> None:
    """As the batches that torch's batch normalization has counted."""
    one = MemberWeights({"count": np.asarray(7, dtype=np.int64)}, {}, {}, 0)
    assert decode_member(encode_member(one)).arrays["count"].shape == ()


@pytest.fixture
def files() -> dict[str, bytes]:
    """An ensemble of two."""
    return encode_ensemble(EnsembleWeights("cgcnn", {}, (member(), member()), calibration={"factor": 2.0}))


def test_an_ensemble_comes_back(files: dict[str, bytes]) -> None:
    assert encode_ensemble(decode_ensemble(files)) == files


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ensemble.json", None, "ensemble.json is missing"),
        ("ensemble.json", b"[1, 2]", "no description of an ensemble"),
        (
            "ensemble.json",
            b'{"members": [], "version": 1}',
            "describes no ensemble of this package: calibration, model",
        ),
        ("member_001.safetensors", None, "weights files are missing: member_001.safetensors"),
        ("member_001.safetensors", encode_member(member())[:-3], "member_001.safetensors is not a readable weights"),
    ],
)
def test_broken_ensembles_name_the_file(
    files: dict[str, bytes], name: str, content: bytes | None, message: str
) -> None:
    broken = {**files, name: content} if content is not None else {key: files[key] for key in files if key != name}
    with pytest.raises(WeightsError, match=message):
        decode_ensemble(broken)
