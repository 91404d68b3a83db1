"""The generated table of Wyckoff positions: right by count, by hand, by PyXtal, and next to the published one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.wyckoff_positions.embedding import coordinates, wyckoff_embedding
from aiida_mlhull.science.representations.wyckoff_tables import multiplicities


@pytest.fixture(scope="module")
def embedding():
    return wyckoff_embedding()


def test_size(embedding):
    assert len(embedding.kinds) == 1731
    assert embedding.table.shape == (1056, 6 + 5 + 185 + 326)
    widths = [part.stop - part.start for part in (embedding.families, embedding.centerings)]
    assert widths == [6, 5]
    assert embedding.terms.stop - embedding.terms.start == 185


def test_terms_and_offsets_count_the_sites(embedding):
    """Every triplet has one term and one offset, and there are as many as the multiplicity in pymatgen's table."""
    for (group, letter), kind in embedding.kinds.items():
        row = embedding.table[kind]
        assert row[embedding.terms].sum() == row[embedding.offsets].sum() == multiplicities(group)[letter]
        assert row[embedding.families].sum() == row[embedding.centerings].sum() == 1


@pytest.mark.parametrize("group", [202, 209, 225])
def test_worked_example_of_the_thesis(embedding, group):
    """Letter f of these F-centered groups is (x, x, x) and its images: eight terms, four times each."""
    row = embedding.table[embedding.kind(group, "f")]
    assert sorted(row[embedding.terms][row[embedding.terms] > 0].tolist()) == [4] * 8
    assert sorted(row[embedding.offsets][row[embedding.offsets] > 0].tolist()) == [8] * 4


def test_triplets_by_hand():
    """P2/m 2m: (x, 0, z) and (-x, 0, -z); Pnma 4c: (x, 1/4, z) and its images."""
    terms, offsets = coordinates(10, "x 0 z")
    assert terms.tolist() == [[-1, 0, 0, 0, 0, 0, 0, 0, -1], [1, 0, 0, 0, 0, 0, 0, 0, 1]]
    assert not offsets.any()
    _, offsets = coordinates(62, "x 1/4 z")
    assert sorted(offsets.tolist()) == [[0, 6, 0], [0, 18, 0], [12, 6, 12], [12, 18, 12]]


def test_unknown_positions_are_named(embedding):
    with pytest.raises(CrystalError, match="225 has no Wyckoff position 'z'"):
        embedding.kind(225, "z")


def test_the_published_table_differs_in_offsets_only(embedding):
    aviary = pytest.importorskip("aviary")
    file = Path(aviary.PKG_DIR) / "embeddings" / "wyckoff" / "bra-alg-off.json"
    published = json.loads(file.read_text())
    theirs = np.asarray([published[str(group)][letter] for group, letter in embedding.kinds])
    ours = embedding.table[list(embedding.kinds.values())]

    def columns(table):
        return sorted(map(tuple, table.T.tolist()))

    assert theirs.shape == (1731, 444)
    assert columns(theirs[:, :185]) == columns(ours[:, embedding.terms])
    assert columns(theirs[:, 433:439]) == columns(ours[:, embedding.families])
    assert columns(theirs[:, 439:]) == columns(ours[:, embedding.centerings])
    np.testing.assert_array_equal(theirs[:, 185:433].sum(axis=1), ours[:, embedding.offsets].sum(axis=1))
    assert len(np.unique(theirs, axis=0)) == 1038
    # 225 f: 32 sites at zero offset there, eight at each of the four centering translations here.
    assert theirs[list(embedding.kinds).index((225, "f")), 185:433].max() == 32


def test_triplets_are_those_of_pyxtal(embedding):
    pyxtal_symmetry = pytest.importorskip("pyxtal.symmetry")
    for number in (1, 15, 62, 141, 166, 194, 225, 227, 230):
        for position in pyxtal_symmetry.Group(number).Wyckoff_positions:
            rotations = {tuple(np.rint(op.rotation_matrix).astype(int).ravel()) for op in position.ops}
            expected = {
                (
                    *np.rint(op.rotation_matrix).astype(int).ravel(),
                    *(np.rint(op.translation_vector * 24).astype(int) % 24),
                )
                for op in position.ops
            }
            row = embedding.table[embedding.kind(number, position.letter)]
            assert (row[embedding.terms] > 0).sum() == len(rotations)
            assert row[embedding.terms].sum() == len(expected)
