"""Known phases from databases: the Materials Project's client against a small server, and OPTIMADE."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from aiida_mlhull.science.errors import IncompleteAnswerError, InputError, MissingEndMembersError, MixedSchemesError
from aiida_mlhull.science.schemes import KNOWN
from aiida_mlhull.science.sources.client import Client
from aiida_mlhull.science.sources.optimade import Optimade
from aiida_mlhull.science.sources.phases import columns_for, from_materials_project, from_optimade, systems_within
from tests.science.sources.quirks import Lab, answering, sulfide

with_client = pytest.mark.skipif(find_spec("mp_api") is None, reason="needs mp-api, the extra 'mp'")


def thermo(number, formula, composition, energy, kind="GGA_GGA+U"):
    return {
        "material_id": f"mp-{number}",
        "thermo_type": kind,
        "chemsys": "-".join(sorted(composition)),
        "formula_pretty": formula,
        "composition": composition,
        "energy_per_atom": energy,
        "uncorrected_energy_per_atom": energy + 0.1,
        "energy_type": "GGA",
    }


DOCUMENTS = [
    thermo(1, "Na", {"Na": 3}, -1.3),
    thermo(2, "Cl2", {"Cl": 8}, -1.8),
    thermo(3, "NaCl", {"Na": 1, "Cl": 1}, -3.6),
    thermo(4, "NaCl3", {"Na": 1, "Cl": 3}, -2.2),
    thermo(3, "NaCl", {"Na": 1, "Cl": 1}, -13.6, kind="R2SCAN"),
]


ABOUT = {"db_version": "2025.09.25", "version": "0.87.1", "access_controlled_batch_ids": []}


class Project:
    """Answers as the Materials Project's API does; sends only the first ``sends`` documents, where that is set."""

    def __init__(self, documents):
        self.documents, self.sends, self.status, self.asked = documents, None, 200, []

    def __call__(self, path, query):
        if not path.rstrip("/").endswith("thermo"):
            return 200, {"data": [], "meta": {"total_doc": 0}, **ABOUT}
        self.asked.append(query)
        if self.status != 200:
            return self.status, {"detail": "broken"}
        systems, kinds = query["chemsys"].split(","), query["thermo_types"].split(",")
        there = [one for one in self.documents if one["chemsys"] in systems and one["thermo_type"] in kinds]
        fields = query.get("_fields", "").split(",")
        if "energy_per_atom" in fields and self.sends is not None:
            there = there[: self.sends]
        data = [{key: value for key, value in one.items() if key in fields} for one in there]
        return 200, {"data": data, "meta": {"total_doc": len(data)}, **ABOUT}


@pytest.fixture
def project(monkeypatch):
    monkeypatch.setenv("MP_API_KEY", "0123456789abcdef0123456789abcdef")
    served = Project(DOCUMENTS)
    with answering(served) as url:
        served.url = f"{url}/"
        yield served


@with_client
def test_a_system_with_its_scheme(project):
    intake = from_materials_project(("Na", "Cl"), endpoint=project.url)
    assert intake.references.scheme == KNOWN["mp-pbe-2020"].text
    found = dict(zip(intake.references.ids.tolist(), intake.references.energies.tolist(), strict=True))
    assert found == {"mp-1": -1.3, "mp-2": -1.8, "mp-3": -3.6, "mp-4": -2.2}
    assert set(project.asked[0]["chemsys"].split(",")) == {"Na", "Cl", "Cl-Na"}


@with_client
def test_less_than_is_listed_is_an_error_or_is_counted(project):
    project.sends = 3
    with pytest.raises(IncompleteAnswerError, match="1 of 4 documents that it lists don't come: mp-4"):
        from_materials_project(("Na", "Cl"), endpoint=project.url)
    part = from_materials_project(("Na", "Cl"), endpoint=project.url, partial=True)
    assert part.left_out.counts() == {"not_sent": 1}


@with_client
def test_a_hull_without_its_elements_is_refused(project):
    with pytest.raises((InputError, MissingEndMembersError)):
        from_materials_project(("Na", "Cl"), thermo_type="R2SCAN", endpoint=project.url)
    with pytest.raises(InputError, match="there are no phases"):
        from_materials_project(("Kr",), endpoint=project.url)


def test_systems():
    assert systems_within(("Zn", "N", "Ti")) == ["N", "Ti", "Zn", "N-Ti", "N-Zn", "Ti-Zn", "N-Ti-Zn"]
    with pytest.raises(InputError, match="unknown elements: Xx"):
        systems_within(("Ti", "Xx"))


def asked(url, *columns):
    return Optimade(url, keep=columns, client=Client(pause=0.0, tries=2, first_wait=0.01))


def test_formation_energies_of_a_provider():
    with answering(Lab("page_number")) as url:
        intake = from_optimade(asked(url, "_lab_hull"), energy="_lab_hull", scheme="oqmd-pbe", formation=True)
    found = dict(zip(intake.references.ids.tolist(), intake.references.energies.tolist(), strict=True))
    assert intake.references.scheme == KNOWN["oqmd-pbe"].text
    assert found["lab/3"] == pytest.approx(0.03)
    assert {name for name in found if name.startswith("element:")} == {
        f"element:{symbol}" for symbol in ("Mg", "Ca", "Sr", "Ba", "Mn", "Fe", "Co", "S")
    }


def test_energies_of_cells_are_divided_by_their_atoms():
    with answering(Lab("page_offset")) as url:
        source = asked(url, "_lab_hull")
        intake = from_optimade(source, energy="_lab_hull", scheme="by hand", per="cell", formation=True)
    assert intake.references.energies[intake.references.ids == "lab/4"] == pytest.approx(0.02)
    assert intake.references.scheme == "by hand"


def test_a_providers_functionals_are_compared():
    def change(first, answer, query):
        for entry in answer["data"]:
            entry["attributes"]["_lab_functional"] = "SCAN" if entry["id"] == "lab/5" else "PBE"

    lab = Lab("page_offset", change)
    lab.entries = [sulfide(number) for number in range(7)]
    assert columns_for("_lab_hull", ["_lab_hull", "_lab_functional", "_lab_price"]) == ("_lab_hull", "_lab_functional")
    with answering(lab) as url:
        source = asked(url, "_lab_hull", "_lab_functional")
        source.properties = lambda: {"_lab_hull": {"type": "float"}, "_lab_functional": {"type": "string"}}
        with pytest.raises(MixedSchemesError, match=r"6 of PBE .* and 1 of SCAN \(lab/5\)"):
            from_optimade(source, energy="_lab_hull", scheme="PBE", formation=True)


def test_a_filter_that_finds_nothing_is_told():
    lab = Lab("page_offset")
    lab.entries = []
    with answering(lab) as url, pytest.raises(InputError, match="nothing was found; does anything there match"):
        from_optimade(asked(url, "_lab_hull"), energy="_lab_hull", scheme="PBE", formation=True)
