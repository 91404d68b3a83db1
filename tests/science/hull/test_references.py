"""References and own results in one table."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import MixedSchemesError, TableError
from aiida_mlhull.science.hull import hull_energies, with_results
from aiida_mlhull.science.types import Crystals, Labels


def labels(ids, formulas, energies, *, scheme="PBE"):
    energies = np.asarray(energies)
    return Labels.from_rows(
        ids=ids,
        formulas=formulas,
        energies=energies,
        crystals=Crystals.from_lists([np.eye(3) * 3] * len(ids), [[22]] * len(ids), [[0, 0, 0]] * len(ids)),
        failures=np.where(np.isfinite(energies), "", "not_converged_ionically"),
        core_minutes=np.ones(len(ids)),
        stage="full",
        engine="recorded",
        scheme=scheme,
    )


@pytest.fixture
def known(references):
    return references({"Ti": -7.8, "N": -8.3}, scheme="PBE", source="by hand")


def test_results_join_under_their_ids_and_failures_stay_out(known):
    merged = with_results(known, labels(["c-2", "c-1", "c-3"], ["TiN", "TiN", "Ti2N"], [-9.5, -9.4, np.nan]))
    assert merged.ids.tolist() == ["N", "Ti", "c-1", "c-2"]
    assert merged.energies.tolist() == [-8.3, -7.8, -9.4, -9.5]
    assert (merged.scheme, merged.source) == ("PBE", "by hand")
    assert hull_energies(["TiN"], merged)[0] == -9.5
    assert len(known) == 2


def test_schemes_never_meet(known):
    with pytest.raises(MixedSchemesError, match=r"'PBE'.*'full'.*'PBE, MP2020'"):
        with_results(known, labels(["c-1"], ["TiN"], [-9.5], scheme="PBE, MP2020"))


def test_an_id_stands_for_one_phase(known):
    with pytest.raises(TableError, match="duplicate ids: Ti"):
        with_results(known, labels(["Ti"], ["TiN"], [-9.5]))
