"""Nodes are found by what is in them, through typed fields."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pytest
from aiida.orm import QueryBuilder

from aiida_mlhull.data import (
    CandidatesData,
    DecisionsData,
    EnsembleData,
    LabelsData,
    PredictionsData,
    ReferencesData,
    WyckoffData,
)
from aiida_mlhull.science.representations.protostructure import read_protostructure
from aiida_mlhull.science.tables.summary import content_hash
from tests.data.nouns import IDS, candidates, decisions, ensemble, labels, predictions, references

pytestmark = pytest.mark.usefixtures("empty_profile")
"""Counts are about the nodes of the test alone."""


def count(node_class, filters) -> int:
    return QueryBuilder().append(node_class, filters=filters).count()


def test_decisions_by_stage_round_and_counts() -> None:
    for number in (1, 2, 3):
        DecisionsData.from_science(decisions(round=number)).store()
    fields = DecisionsData.fields
    assert count(DecisionsData, (fields.stage == "volume") & (fields.round > 1)) == 2
    assert count(DecisionsData, fields.n_dropped == 4) == 3
    assert count(DecisionsData, fields.rule == "top_n") == 0


def test_reasons_are_counted_by_code_and_can_be_asked_for() -> None:
    DecisionsData.from_science(decisions()).store()
    query = QueryBuilder().append(
        DecisionsData,
        filters={"attributes.dropped_reasons": {"has_key": "same_as"}},
        project=[DecisionsData.fields.dropped_reasons, "attributes.dropped_reasons.above_threshold"],
    )
    assert query.all() == [[{"above_threshold": 2, "failed": 1, "same_as": 1}, 2]]


def test_tables_by_element_and_chemical_system() -> None:
    CandidatesData.from_science(candidates()).store()
    fields = CandidatesData.fields
    assert count(CandidatesData, {"attributes.elements": {"contains": ["Na", "Zn"]}}) == 1
    assert count(CandidatesData, {"attributes.elements": {"contains": ["Xe"]}}) == 0
    assert count(CandidatesData, {"attributes.chemical_systems": {"contains": ["Ti-Zn"]}}) == 1
    assert count(CandidatesData, (fields.n_sites_max <= 2) & (fields.has_crystals == True)) == 1  # noqa: E712
    assert count(CandidatesData, {"attributes.id_min": {"<=": "c3"}, "attributes.id_max": {">=": "c3"}}) == 1


def test_many_chemical_systems_are_not_listed() -> None:
    elements = [
        "Ti",
        "Zn",
        "Zr",
        "Hf",
        "Al",
        "Ga",
        "In",
        "Si",
        "Ge",
        "Sn",
        "P",
        "As",
        "Sb",
        "S",
        "Se",
        "Te",
        "Li",
        "Na",
        "K",
        "Rb",
        "Mg",
        "Ca",
        "Sr",
        "Ba",
    ]
    formulas = np.asarray([f"{a}{b}" for a in elements for b in elements if a < b])
    empty = np.full(len(formulas), "")
    shard = candidates(
        ids=np.asarray([f"{i:04d}" for i in range(len(formulas))]),
        formulas=formulas,
        crystals=None,
        protostructures=empty,
        origins=empty,
    )
    node = CandidatesData.from_science(shard).store()
    assert node.base.attributes.get("chemical_systems") is None
    assert node.base.attributes.get("n_chemical_systems") == len(formulas) == 276


def test_predictions_and_labels_by_range() -> None:
    PredictionsData.from_science(predictions()).store()
    LabelsData.from_science(labels()).store()
    assert count(PredictionsData, (PredictionsData.fields.energy_min < -1.9) & (PredictionsData.fields.n_members == 2))
    assert count(LabelsData, (LabelsData.fields.n_failed == 1) & (LabelsData.fields.core_minutes == 3.0))
    projected = QueryBuilder().append(LabelsData, project=["attributes.energy_min", "attributes.energy_max"]).all()
    assert projected == [[-9.0, -4.25]]


def test_ensembles_by_model_and_setting() -> None:
    EnsembleData.from_science(ensemble()).store()
    assert count(EnsembleData, (EnsembleData.fields.model == "cgcnn") & (EnsembleData.fields.n_members == 2))
    assert count(EnsembleData, {"attributes.settings.width": 64}) == 1
    (found,) = QueryBuilder().append(EnsembleData, project=["attributes.validation_mae"]).one()
    assert found == pytest.approx([0.13, 0.17])


def test_a_snapshot_of_references_says_what_it_is() -> None:
    node = ReferencesData.from_science(references()).store()
    attributes = node.base.attributes.all
    assert attributes["content_hash"] == content_hash(references())
    assert attributes["scheme"] == "PBE"
    assert attributes["origin"] == "a table"
    assert attributes["end_members"] == ["N", "Na", "Ti", "Zn"]
    assert attributes["pymatgen_version"] == version("pymatgen")
    assert (
        ReferencesData(references(), pymatgen_version="2023.5.10").base.attributes.get("pymatgen_version")
        == "2023.5.10"
    )


def test_wyckoff_representations_by_what_they_share() -> None:
    for label in ("AB_cF8_225_a_b:N-Ti", "AB_cF8_225_a_b:N-Zr", "AB_cF8_216_a_c:N-Ti", "AB3C_cP5_221_a_c_b:Ba-O-Ti"):
        WyckoffData.from_science(read_protostructure(label), label=label).store()
    fields = WyckoffData.fields
    assert count(WyckoffData, fields.space_group == 225) == 2
    assert count(WyckoffData, fields.chemical_system == "N-Ti") == 2
    assert count(WyckoffData, fields.prototype == "AB_cF8_225_a_b") == 2
    assert count(WyckoffData, (fields.n_positions == 3) & (fields.n_sites == 5)) == 1
    assert count(WyckoffData, {"attributes.elements": {"contains": ["Ti"]}}) == 3


def test_an_empty_table_is_a_table() -> None:
    node = LabelsData.from_science(labels().take([])).store()
    assert node.base.attributes.get("energy_min") is None
    assert len(node.to_science()) == 0


def test_several_kinds_are_found_together() -> None:
    stored = {LabelsData.from_science(labels()).store().uuid, CandidatesData.from_science(candidates()).store().uuid}
    query = QueryBuilder().append([LabelsData, CandidatesData], filters={"attributes.id_min": IDS[0]}, project=["uuid"])
    assert set(query.all(flat=True)) == stored
