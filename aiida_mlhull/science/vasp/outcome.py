"""How a calculation ended: a usable result, or one of a closed list of reasons why there is none.

VASP stops for many reasons and says so in many places: exit statuses of aiida-vasp's WorkChain and of its
jobs, the scheduler's words, what was parsed. This module reads them in one order, so that equal ends get
equal reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.dft.account import JOB_STOPPED, Account, in_words, why_stopped
from aiida_mlhull.science.types.reasons import Reason, code_of, with_detail
from aiida_mlhull.science.vasp.settings import VaspStep

# What aiida-vasp 5's WorkChain (first line) and CalcJob end with.
CHAIN_POTENTIALS: Final = range(700, 703)
CHAIN_ELECTRONIC: Final = (503, 505)
CHAIN_IONIC: Final = 504
JOB_ELECTRONIC: Final = 701
JOB_IONIC: Final = 702


def judge(account: Account, misc: Mapping[str, Any], step: VaspStep, *, has_cell: bool) -> str:
    """The reason why a calculation gave no energy to go on with; empty if it did.

    That a WorkChain ends well says little: of a torn vasprun.xml beside a whole OUTCAR aiida-vasp makes a success
    without an energy.

    A step that needn't converge hands on what a calculation had reached that ran into a limit of steps or
    time, if it left an energy and a cell whose electrons had converged.

    Args:
        account: how the processes ended.
        misc: what aiida-vasp parsed: ``total_energies``, ``run_status``, ...; empty if nothing.
        step: what was asked for.
        has_cell: whether there is a cell to hand on.

    Returns:
        A reason that engines state, with details after a colon, or nothing.
    """
    usable = has_cell and energy_of(misc) is not None
    if account.chain_status == 0:
        return "" if usable else with_detail(Reason.ENGINE_ERROR, "VASP's output holds no energy or no cell")
    reason = _reason(account, misc)
    limit = code_of(reason) in {Reason.NOT_CONVERGED_IONICALLY, Reason.OUT_OF_TIME}
    converged = _status(misc).get("electronic_converged") is not False
    return "" if limit and usable and converged and not step.must_converge else reason


def energy_of(misc: Mapping[str, Any]) -> float | None:
    """Total energy of the cell (eV), extrapolated to zero smearing; None if it was not parsed or is not finite."""
    energy = (misc.get("total_energies") or {}).get("energy_extrapolated")
    return float(energy) if energy is not None and np.isfinite(energy) else None


def _status(misc: Mapping[str, Any]) -> Mapping[str, Any]:
    return misc.get("run_status") or {}


def _reason(account: Account, misc: Mapping[str, Any]) -> str:
    if not account.job_statuses:
        kind = Reason.MISSING_POTENTIAL if account.chain_status in CHAIN_POTENTIALS else Reason.ENGINE_ERROR
        return with_detail(kind, account.chain_message or "no calculation was started")
    last, chain = account.job_statuses[-1], account.chain_status
    if last == JOB_STOPPED:
        return in_words(account.job_message)
    if last == JOB_ELECTRONIC or chain in CHAIN_ELECTRONIC:
        return Reason.NOT_CONVERGED_ELECTRONICALLY
    if last == JOB_IONIC or chain == CHAIN_IONIC:
        breached = _status(misc).get("consistent_nelm_breach")
        return Reason.NOT_CONVERGED_ELECTRONICALLY if breached else Reason.NOT_CONVERGED_IONICALLY
    return why_stopped(account)
