"""Every way in which pw.x can end has one reason, the same as VASP's where it is the same."""

from __future__ import annotations

import re

import pytest

from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.espresso import judge
from aiida_mlhull.science.espresso.outcome import energy_of
from aiida_mlhull.science.types.reasons import Stated, code_of, is_stated
from tests.science.espresso.families import step

GOOD = {"energy": -10.0, "smearing_type": "mv", "energy_smearing": 0.4}
FREE, STRICT = step("coarse"), step("final")


def ended(chain: int | None = 402, *jobs: int | None, **said) -> Account:
    return Account(chain_status=chain, job_statuses=jobs, **said)


@pytest.mark.parametrize("status", [0, 501])
def test_a_calculation_that_went_well_has_no_reason(status):
    account = ended(status, status)
    assert judge(account, GOOD, STRICT, has_cell=True) == ""
    assert judge(account, GOOD, STRICT, has_cell=False).startswith("engine_error")
    assert judge(account, {}, STRICT, has_cell=True).startswith("engine_error")
    assert judge(account, {"energy": float("nan")}, STRICT, has_cell=True).startswith("engine_error")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (410, "not_converged_electronically"),
        (510, "not_converged_electronically"),
        (511, "not_converged_electronically"),
        (500, "not_converged_ionically"),
        (502, "not_converged_ionically"),
        (520, "not_converged_ionically"),
        (400, "out_of_time"),
        (340, "out_of_time"),
        (120, "out_of_time"),
        (110, "out_of_memory"),
        (541, "symmetry_lost"),
        (542, "unphysical_cell"),
        (462, "engine_error"),
    ],
)
def test_statuses(status, reason):
    said = judge(ended(402, 0, status, job_message="words"), {}, STRICT, has_cell=False)
    assert code_of(said) == reason
    assert is_stated(said, Stated.RELAXATION)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("slurmstepd: error: Detected 1 oom-kill event", "out_of_memory"),
        ("     Error in routine readpp (1):\n     file ./pseudo/Tc.upf not found", "missing_potential"),
        ("     Error in routine checkallsym (2):\n     not orthogonal operation", "symmetry_lost"),
    ],
)
def test_last_words(log, reason):
    assert code_of(judge(ended(310, 312, log=log, job_message="incomplete"), {}, STRICT, has_cell=False)) == reason


@pytest.mark.parametrize(
    ("error", "said"),
    [
        # Of pw.x 6.7 as Debian builds it, asked for r2scan, scan and more bands than plane waves.
        ("tau_xc (5):\n     This case is not implemented", "lacks the functional .*libxc have it .tau_xc: This case"),
        ("set_dft_from_name (2):\n     libxc needed for this functional", "lacks the functional .*libxc needed"),
        ("c_bands (1):\n     too many bands are not converged", "incomplete; last words: c_bands: too many bands are"),
    ],
)
def test_what_pw_x_stopped_for(error, said):
    log = f" %%%%%%%\n     Error in routine {error}\n %%%%%%%\n\n     stopping ...\n"
    reason = judge(ended(310, 312, log=log, job_message="incomplete"), {}, STRICT, has_cell=False)
    assert code_of(reason) == "engine_error"
    assert re.search(said, reason), reason


def test_a_clock_that_has_run_out():
    said = judge(ended(310, 312, seconds=96, limit_seconds=100), {}, STRICT, has_cell=False)
    assert code_of(said) == "out_of_time"


def test_a_step_that_need_not_converge_hands_on_what_it_has():
    for status in (502, 400):
        assert judge(ended(402, status), GOOD, FREE, has_cell=True) == ""
        assert judge(ended(402, status), GOOD, STRICT, has_cell=True) != ""
        assert judge(ended(402, status), {}, FREE, has_cell=True) != ""
        assert judge(ended(402, status), GOOD, FREE, has_cell=False) != ""
    torn = {**GOOD, "convergence_info": {"scf_conv": {"convergence_achieved": False}}}
    assert judge(ended(402, 400), torn, FREE, has_cell=True) == "out_of_time"
    assert judge(ended(402, 510), GOOD, FREE, has_cell=True) == "not_converged_electronically"


def test_reasons_of_monitors_and_lanes_stay_and_other_words_are_errors():
    said = judge(ended(402, 150, job_message="unphysical_cell: volume x 20"), GOOD, FREE, has_cell=True)
    assert said == "unphysical_cell: volume x 20"
    lost = judge(Account(chain_status=None, chain_message="missing_potential: Tc"), {}, FREE, has_cell=False)
    assert lost == "missing_potential: Tc"
    assert judge(ended(None), {}, FREE, has_cell=False) == "engine_error: no calculation was started"


def test_energies_are_extrapolated_to_zero_width():
    """F = E - TS; (E + F) / 2 for Gaussian and Fermi-Dirac's, F for cold smearing and Methfessel-Paxton's."""
    for name, energy in {"mv": -10.0, "mp": -10.0, "gaussian": -10.2, "fd": -10.2}.items():
        assert energy_of({"energy": -10.0, "energy_smearing": 0.4, "smearing_type": name}) == pytest.approx(energy)
    assert energy_of({"energy": -10.0, "energy_smearing": -0.4, "smearing_type": "gaussian"}) == pytest.approx(-9.8)
    assert energy_of({"energy": -10.0}) == -10.0


LAST_LINES = """     Called by h_psi:
     h_psi:calbec :      0.41s CPU      0.42s WALL (    9154 calls)
     vhpsi        :      0.07s CPU      0.07s WALL (    9154 calls)

     Hubbard U routines
     new_ns       :      0.06s CPU      0.06s WALL (      12 calls)
     vhpsi        :      0.07s CPU      0.07s WALL (    9154 calls)

     PWSCF        :      4.99s CPU      5.14s WALL

=------------------------------------------------------------------------------=
   JOB DONE.
"""
"""Of pw.x 7.2 with U on nickel."""


def test_a_u_that_was_not_calculated_is_an_error():
    """By pw.x's own words; what aiida-quantumespresso 5.1 says is false of both."""
    with_u = step(elements={"Fe": {"u": 4.0, "manifold": "3d"}})
    said = {**GOOD, "lda_plus_u_calculation": False, "creator_version": "6.7MaX"}
    without = LAST_LINES.replace("Hubbard U", "Other")
    assert "6.7MaX calculated without the U" in judge(ended(0, 0, log=without), said, with_u, has_cell=True)
    assert judge(ended(0, 0, log=LAST_LINES), said, with_u, has_cell=True) == ""
    assert judge(ended(0, 0, log=without), said, STRICT, has_cell=True) == ""
