"""How a calculation ended: a usable result, or one of a closed list of reasons why there is none.

VASP stops for many reasons and says so in many places: exit statuses of aiida-vasp's WorkChain and of its
jobs, the scheduler's words, what was parsed. This module reads them in one order, so that equal ends get
equal reasons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from pydantic import Field
from pymatgen.optimization.neighbors import find_points_in_spheres

from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason, Stated, code_of, is_stated, with_detail
from aiida_mlhull.science.types.strict import Strict
from aiida_mlhull.science.vasp.settings import Limits, VaspStep

# What aiida-vasp 5's WorkChain (first line) and CalcJob, and AiiDA's schedulers, end with.
CHAIN_POTENTIALS: Final = range(700, 703)
CHAIN_ELECTRONIC: Final = (503, 505)
CHAIN_IONIC: Final = 504
JOB_ELECTRONIC: Final = 701
JOB_IONIC: Final = 702
SCHEDULER_MEMORY: Final = 110
SCHEDULER_TIME: Final = 120
JOB_STOPPED: Final = 150
"""By a monitor; ours give a reason of the list."""

_MEMORY: Final = re.compile(
    r"out of memory|oom[- _]?kill|cannot allocate memory|exceeded (?:job )?memory|insufficient virtual memory|bad_alloc",
    re.IGNORECASE,
)
_TIME: Final = re.compile(r"due to time limit|wall ?time.{0,20}(?:exceeded|limit)|time limit reached", re.IGNORECASE)
_NEARLY: Final = 0.95
LAST_WORDS: Final = 100
"""Characters of a log's last line that a reason quotes."""
_SELF: Final = 1e-8
_PERIODIC: Final = np.ones(3, dtype=np.int64)


class Account(Strict):
    """What the processes of one candidate and stage left behind, besides their results.

    Attributes:
        chain_status: exit status of the WorkChain; None if it was killed or raised.
        chain_message: what it said.
        job_statuses: exit statuses of its jobs, in their order.
        job_message: what the last job said.
        log: last lines of the last job's screen output and of the scheduler's errors.
        seconds: wall time of the last job; None if it is not known.
        limit_seconds: wall time that the scheduler was asked for.
        core_minutes: cost of all jobs together.
        titles: element to the title of its potential: ``PAW_PBE Ti_pv 07Sep2000``.
        program: name and version of what wrote the results.
    """

    chain_status: int | None
    chain_message: str = ""
    job_statuses: tuple[int | None, ...] = ()
    job_message: str = ""
    log: str = ""
    seconds: float | None = None
    limit_seconds: float | None = None
    core_minutes: float = Field(default=0.0, ge=0)
    titles: dict[str, str] = Field(default_factory=dict)
    program: str = ""


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
        ours = is_stated(account.job_message, Stated.RELAXATION)
        return account.job_message if ours else with_detail(Reason.ENGINE_ERROR, account.job_message)
    if last == JOB_ELECTRONIC or chain in CHAIN_ELECTRONIC:
        return Reason.NOT_CONVERGED_ELECTRONICALLY
    if last == JOB_IONIC or chain == CHAIN_IONIC:
        breached = _status(misc).get("consistent_nelm_breach")
        return Reason.NOT_CONVERGED_ELECTRONICALLY if breached else Reason.NOT_CONVERGED_IONICALLY
    return _why_stopped(account)


def _why_stopped(account: Account) -> str:
    """Whether memory or time ran out; by the scheduler's word, else by its status, else by the clock."""
    last = account.job_statuses[-1]
    if last == SCHEDULER_MEMORY or _MEMORY.search(account.log):
        return Reason.OUT_OF_MEMORY
    if last == SCHEDULER_TIME or _TIME.search(account.log):
        return Reason.OUT_OF_TIME
    known = account.seconds is not None and account.limit_seconds is not None
    if known and account.seconds >= _NEARLY * account.limit_seconds:  # type: ignore[operator]
        return Reason.OUT_OF_TIME
    said = [line.strip() for line in account.log.splitlines() if re.search("[a-z]", line, re.IGNORECASE)]
    last_words = f"; last words: {said[-1][:LAST_WORDS]}" if said else ""
    return with_detail(Reason.ENGINE_ERROR, f"{(account.job_message or account.chain_message).rstrip('.')}{last_words}")


def unphysical(before: Floats, after: Floats, frac_coords: Floats, *, limits: Limits) -> str:
    """What is wrong with a cell that came out of a stage; empty if nothing.

    Args:
        before: (3, 3) Å, the cell that went in.
        after: (3, 3) Å.
        frac_coords: (N, 3), after.
        limits: what is allowed.
    """
    if not (np.isfinite(after).all() and np.isfinite(frac_coords).all()):
        return with_detail(Reason.UNPHYSICAL_CELL, "not finite")
    if np.linalg.det(after) * np.linalg.det(before) <= 0:
        return with_detail(Reason.UNPHYSICAL_CELL, "turned inside out")
    ratio = abs(np.linalg.det(after)) / abs(np.linalg.det(before))
    if not 1 / limits.volume_ratio <= ratio <= limits.volume_ratio:
        return with_detail(Reason.UNPHYSICAL_CELL, f"volume x {ratio:.3g}")
    positions = np.ascontiguousarray(frac_coords @ after)
    _, _, _, distances = find_points_in_spheres(
        positions, positions, r=limits.min_distance, pbc=_PERIODIC, lattice=np.ascontiguousarray(after), tol=_SELF
    )
    close = distances[distances > _SELF]
    return with_detail(Reason.UNPHYSICAL_CELL, f"atoms {close.min():.2f} Å apart") if len(close) else ""
