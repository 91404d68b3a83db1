"""Every way in which a calculation can end has one reason, out of a closed list."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.dft.limits import Limits, unphysical
from aiida_mlhull.science.types.reasons import Stated, is_stated
from aiida_mlhull.science.vasp import Account, VaspSettings, judge, read_step

CONVERGE = read_step(VaspSettings(protocol="ekstrom-2022"), stage="final")
HAND_ON = read_step(VaspSettings(protocol="ekstrom-2022"), stage="preprerelax")
PARSED = {
    "total_energies": {"energy_extrapolated": -10.0},
    "run_status": {"electronic_converged": True, "ionic_converged": False, "consistent_nelm_breach": False},
}
CUBE = np.eye(3) * 4.0
ONE = np.zeros((1, 3))

ENDS = {
    "no steps left": ({"chain_status": 401, "job_statuses": [702] * 5}, "not_converged_ionically"),
    "not relaxed": ({"chain_status": 504, "job_statuses": [0]}, "not_converged_ionically"),
    "electrons": ({"chain_status": 501, "job_statuses": [701]}, "not_converged_electronically"),
    "electrons on the way": ({"chain_status": 505, "job_statuses": [0]}, "not_converged_electronically"),
    "electrons, says the chain": ({"chain_status": 503, "job_statuses": [0]}, "not_converged_electronically"),
    "slurm, time": ({"chain_status": 501, "job_statuses": [120]}, "out_of_time"),
    "slurm, memory": ({"chain_status": 501, "job_statuses": [110]}, "out_of_memory"),
    "words of time": (
        {"chain_status": 501, "job_statuses": [700], "log": "*** JOB 1 CANCELLED DUE TO TIME LIMIT ***"},  # codespell:ignore
        "out_of_time",
    ),
    "words of memory": (
        {"chain_status": 501, "job_statuses": [700], "log": "slurmstepd: error: Detected 1 oom-kill event"},
        "out_of_memory",
    ),
    "the clock": (
        {"chain_status": 501, "job_statuses": [700, 700], "seconds": 3590.0, "limit_seconds": 3600.0},
        "out_of_time",
    ),
    "killed": (
        {"chain_status": 501, "job_statuses": [700], "job_message": "did not\n reach the end", "seconds": 10.0,
         "limit_seconds": 3600.0},
        "engine_error: did not reach the end",
    ),
    "nothing written": ({"chain_status": 501, "job_statuses": [333], "job_message": "no output"}, "engine_error: no output"),
    "truncated": ({"chain_status": 500, "job_statuses": [1002], "job_message": "can't parse"}, "engine_error: can't parse"),
    "critical": ({"chain_status": 501, "job_statuses": [703], "job_message": "EDDDAV"}, "engine_error: EDDDAV"),
    "last words": (
        {"chain_status": 500, "job_statuses": [352], "job_message": "missing", "log": "one\n  srun: no such file \n\n"},
        "engine_error: missing; last words: srun: no such file",
    ),
    "lost": ({"chain_status": None, "chain_message": "killed"}, "engine_error: killed"),
    "no such potential": (
        {"chain_status": 702, "chain_message": "No POTCAR found for full name W_pv"},
        "missing_potential: No POTCAR found for full name W_pv",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ENDS))
def test_an_end_has_its_reason(name) -> None:
    account, reason = ENDS[name]
    found = judge(Account.model_validate(account), PARSED, CONVERGE, has_cell=True)
    assert found == reason
    assert is_stated(found, Stated.RELAXATION)


def test_success_is_no_reason() -> None:
    assert judge(Account(chain_status=0, job_statuses=(0,)), PARSED, CONVERGE, has_cell=True) == ""


@pytest.mark.parametrize(
    "parsed",
    [{}, {"total_energies": None}, {"total_energies": {}}, {"total_energies": {"energy_extrapolated": np.nan}}],
)
def test_success_without_an_energy_is_none(parsed) -> None:
    found = judge(Account(chain_status=0, job_statuses=(0,)), parsed, CONVERGE, has_cell=True)
    assert found == "engine_error: VASP's output holds no energy or no cell"
    assert judge(Account(chain_status=0, job_statuses=(0,)), PARSED, CONVERGE, has_cell=False).startswith(
        "engine_error"
    )


@pytest.mark.parametrize("name", list(ENDS))
def test_a_cheap_stage_hands_on_what_ran_into_a_limit_of_steps_or_time(name) -> None:
    account, reason = ENDS[name]
    found = judge(Account.model_validate(account), PARSED, HAND_ON, has_cell=True)
    assert found == ("" if reason in {"not_converged_ionically", "out_of_time"} else reason)
    assert judge(Account.model_validate(account), {}, HAND_ON, has_cell=True) != ""
    assert judge(Account.model_validate(account), PARSED, HAND_ON, has_cell=False) != ""


def test_nobody_hands_on_electrons_that_did_not_converge() -> None:
    parsed = {**PARSED, "run_status": {"electronic_converged": False}}
    account = Account(chain_status=501, job_statuses=(120,))
    assert judge(account, parsed, HAND_ON, has_cell=True) == "out_of_time"
    breached = {**PARSED, "run_status": {"electronic_converged": True, "consistent_nelm_breach": True}}
    account = Account(chain_status=401, job_statuses=(702,))
    assert judge(account, breached, HAND_ON, has_cell=True) == "not_converged_electronically"


@pytest.mark.parametrize(
    ("after", "positions", "words"),
    [
        (CUBE, ONE, ""),
        (CUBE * 1.5, ONE, ""),
        (CUBE * 3, ONE, "volume x 27"),
        (CUBE / 3, ONE, "volume x 0.037"),
        (-CUBE, ONE, "turned inside out"),
        (CUBE * [[1], [1], [0]], ONE, "turned inside out"),
        (CUBE * np.nan, ONE, "not finite"),
        (CUBE, ONE + np.inf, "not finite"),
        (CUBE, np.array([[0, 0, 0], [0.99, 0, 0.0]]), "atoms 0.04 Å apart"),
        (np.diag([0.3, 4, 40.0]), ONE, "atoms 0.30 Å apart"),
    ],
)
def test_cells_that_nobody_should_go_on_with(after, positions, words) -> None:
    found = unphysical(CUBE, after, positions, limits=Limits())
    assert found == (f"unphysical_cell: {words}" if words else "")
