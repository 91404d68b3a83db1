"""Elemental references computed by the engine of a campaign's last stage; those of pw.x really are."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from aiida_mlhull.launching.materials import elements
from aiida_mlhull.science.errors import SettingsError
from tests.pw_codes import FAMILY, family, needs_pw, pw_code

SETTINGS = {
    "protocol": "fast",
    "kpoints_distance": 0.8,
    "conv_thr_per_atom": 1e-6,
    "etot_conv_thr_per_atom": 1e-3,
    "must_converge": False,
    "max_steps": 3,
    "options": {"withmpi": False},
}


@pytest.fixture
def campaign(tmp_path):
    """A campaign file without the references that are still to be made."""

    def write(engines=None, **differs):
        stages = [
            {"name": "coarse", "engine": "potential", "settings": {}},
            {"name": "final", "engine": "quantumespresso", "settings": {**SETTINGS, **differs}},
        ]
        path = tmp_path / "campaign.yaml"
        path.write_text(
            yaml.safe_dump({"protocol": "potential", "overrides": {"stages": stages}, "engines": engines or {}})
        )
        return path

    return write


def test_the_last_stage_and_the_words_about_its_engine(campaign):
    words = {"code": "pw@localhost", "pseudo_family": FAMILY}
    path = campaign(engines={"quantumespresso": words})
    stage, said = elements.campaign_stage(path)
    assert (stage.name, stage.engine, said) == ("final", "quantumespresso", words)
    assert elements.campaign_stage(path, engine="potential")[0].name == "coarse"
    with pytest.raises(SettingsError, match="no stage by the engine vasp; its stages: potential, quantumespresso"):
        elements.campaign_stage(path, engine="vasp")


def test_magnetic_elements_are_refused_without_spin(campaign, aiida_code_installed):
    words = {"code": pw_code(aiida_code_installed).full_label, "pseudo_family": family()}
    stage, _ = elements.campaign_stage(campaign())
    with pytest.raises(SettingsError, match="ground state of O has a magnetic moment: say 'spin: collinear'"):
        elements.compute(["Mg", "O"], stage, words)


@needs_pw
@pytest.mark.slow
def test_elements_meet_candidates_in_one_scheme(campaign, aiida_code_installed):
    words = {"code": pw_code(aiida_code_installed).full_label, "pseudo_family": family()}
    stage, _ = elements.campaign_stage(campaign())
    node = elements.compute(["Mg", "Si"], stage, words)
    references = node.to_science()
    assert references.ids.tolist() == references.formulas.tolist() == ["Mg", "Si"]
    assert np.isfinite(references.energies).all()
    assert references.scheme.startswith("PBE, Quantum ESPRESSO with tests/pseudo-dojo-0.4.1")
    assert node.creator.process_label == "gather_references"
