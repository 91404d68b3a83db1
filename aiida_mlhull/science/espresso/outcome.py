"""How a calculation by pw.x ended: a usable result, or one of a closed list of reasons why there is none.

aiida-quantumespresso says most of it in exit statuses. They are read in one order here, so that equal ends get equal
reasons, also the same as VASP's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.dft.account import JOB_STOPPED, Account, in_words, why_stopped
from aiida_mlhull.science.espresso.fermi_level import Levels, lost_gap
from aiida_mlhull.science.espresso.settings import EspressoStep
from aiida_mlhull.science.types.reasons import Reason, code_of, with_detail

# What PwBaseWorkChain (first line) and PwCalculation of aiida-quantumespresso 5 end with.
CHAIN_FINE: Final = (0, 501)
"""501: relaxed, but in the final calculation, which uses plane waves made for the relaxed cell, forces or stress are
above the thresholds again. Its energy is the better one, and the cell is relaxed as far as the first plane waves go."""
_STATUSES: Final = {
    Reason.NOT_CONVERGED_ELECTRONICALLY: (410, 510, 511, 710),
    Reason.NOT_CONVERGED_IONICALLY: (500, 501, 502, 520, 521),
    Reason.OUT_OF_TIME: (340, 400, 503),
    Reason.SYMMETRY_LOST: (541,),
    Reason.UNPHYSICAL_CELL: (542,),
}
LEFT_A_DENSITY: Final = (0, 500, 501, 502)
"""Of PwCalculation: its last self-consistent field has converged, whatever the ions have come to."""
_TORN: Final = (302, 303, 305, 312, 320, 321)
"""Files are missing or end too early: the program was killed, or gave up and said why."""
_DETAILS: Final = {
    Reason.SYMMETRY_LOST: "the relaxation has broken the symmetry of the k-points",
    Reason.UNPHYSICAL_CELL: "shrank beyond what the pseudopotentials' tables were made for",
}

_SYMMETRY_WORDS: Final = ("not orthogonal operation", "some of the original symmetry operations not satisfied")
_PSEUDO_WORDS: Final = ("readpp", "read_upf", "pseudopotential file")
_FUNCTIONAL_WORDS: Final = ("libxc", "set_dft_from", "tau_xc")
_NO_FUNCTIONAL: Final = "this build of pw.x lacks the functional that was asked for; builds with libxc have it"
_TIMED_U: Final = "Hubbard U routines"
"""Heads the timings of what calculates U, at the end of the output."""
_ERROR: Final = re.compile(r"Error in routine\s+(?P<routine>\S+).*\n\s*(?P<words>.*\S)")
GAUSSIAN: Final = ("gaussian", "gauss", "g", "fermi-dirac", "fd", "f-d")


def judge(
    account: Account, parsed: Mapping[str, Any], step: EspressoStep, *, has_cell: bool, levels: Levels | None = None
) -> str:
    """The reason why a calculation gave no energy to go on with; empty if it did.

    A step that needn't converge hands on what a calculation had reached that ran into a limit of steps or time, if
    it left an energy and a cell, and its last self-consistent field had converged.

    Args:
        account: how the processes ended.
        parsed: ``output_parameters`` of aiida-quantumespresso; empty if there are none.
        step: what was asked for.
        has_cell: whether there is a cell to hand on.
        levels: states of the last self-consistent field, where they are known.

    Returns:
        A reason, with details after a colon, or nothing.
    """
    usable = has_cell and energy_of(parsed) is not None and _converged(parsed)
    if account.chain_status in CHAIN_FINE:
        left = "pw.x left no energy, no cell, or no converged field"
        return _wrong(account, parsed, step, levels) if usable else with_detail(Reason.ENGINE_ERROR, left)
    reason = _reason(account)
    limit = code_of(reason) in {Reason.NOT_CONVERGED_IONICALLY, Reason.OUT_OF_TIME}
    return _wrong(account, parsed, step, levels) if limit and usable and not step.must_converge else reason


def was_interrupted(account: Account) -> bool:
    """Whether pw.x was ended from outside for no known reason (its node died, a process was killed): worth another try.

    Args:
        account: how the processes ended.
    """
    if not account.job_statuses or account.job_statuses[-1] not in _TORN:
        return False
    return "error in routine" not in account.log.lower() and code_of(_reason(account)) == Reason.ENGINE_ERROR


def energy_of(parsed: Mapping[str, Any]) -> float | None:
    """Energy of the cell (eV) extrapolated to zero smearing; None if it was not parsed or is not finite.

    Cold smearing and Methfessel-Paxton leave a free energy that is right to third order in the width already; of
    Gaussian smearing and Fermi-Dirac's half of the entropy's term is taken back (Gillan, J. Phys. Condens. Matter 1
    (1989) 689).
    """
    energy = parsed.get("energy")
    if energy is None or not np.isfinite(energy):
        return None
    if str(parsed.get("smearing_type", "")).lower() in GAUSSIAN:
        return float(energy) - 0.5 * float(parsed.get("energy_smearing") or 0.0)
    return float(energy)


def _converged(parsed: Mapping[str, Any]) -> bool:
    """Whether the last self-consistent field had converged, as far as is known."""
    said = (parsed.get("convergence_info") or {}).get("scf_conv") or {}
    return said.get("convergence_achieved") is not False


def _wrong(account: Account, parsed: Mapping[str, Any], step: EspressoStep, levels: Levels | None) -> str:
    """Why an energy that is there is not the one that was asked for; empty if it is."""
    return _unkept(account, parsed, step) or _lost_its_fermi_level(parsed, levels)


def _lost_its_fermi_level(parsed: Mapping[str, Any], levels: Levels | None) -> str:
    """States below a wide gap that are not full, which old versions leave with smearings meant for metals."""
    electrons, width = parsed.get("number_of_electrons"), parsed.get("degauss")
    if levels is None or not electrons or not width:
        return ""
    gap = lost_gap(levels, electrons=float(electrons), width=float(width))
    if gap is None:
        return ""
    words = (
        f"pw.x {parsed.get('creator_version', 'of unknown version')} has lost the Fermi level in a gap of {gap:.1f} eV, "
        f"so that its energy is too high; say 'parameters: {{SYSTEM: {{smearing: gauss}}}}' or take version 7.2 or later"
    )
    return with_detail(Reason.ENGINE_ERROR, words)


def _unkept(account: Account, parsed: Mapping[str, Any], step: EspressoStep) -> str:
    """What was asked for and not calculated: old versions skip the card with U, and only warn of it.

    pw.x's own account of its time tells: aiida-quantumespresso 5.1 says ``lda_plus_u_calculation: false`` of every
    calculation, as it looks for U in the wrong place of pw.x's XML file.
    """
    asks = any(own.u for own in step.elements.values())
    if not asks or _TIMED_U in account.log:
        return ""
    version = parsed.get("creator_version", "of unknown version")
    words = f"pw.x {version} calculated without the U that was asked for; it needs version 7.1 or later"
    return with_detail(Reason.ENGINE_ERROR, words)


def _reason(account: Account) -> str:
    if not account.job_statuses:
        return in_words(account.chain_message or "no calculation was started")
    last = account.job_statuses[-1]
    if last == JOB_STOPPED:
        return in_words(account.job_message)
    stated = next((reason for reason, statuses in _STATUSES.items() if last in statuses), None)
    if stated is not None:
        return with_detail(stated, _DETAILS.get(stated, ""))
    return _by_its_words(account)


def _by_its_words(account: Account) -> str:
    """The reason that the log of a calculation gives whose exit status gives none."""
    log = account.log.lower()
    if any(words in log for words in _SYMMETRY_WORDS):
        return with_detail(Reason.SYMMETRY_LOST, _DETAILS[Reason.SYMMETRY_LOST])
    if any(words in log for words in _PSEUDO_WORDS):
        return with_detail(Reason.MISSING_POTENTIAL, account.job_message)
    error = _ERROR.search(account.log)
    if error is None:
        return why_stopped(account)
    said = f"{error['routine']}: {error['words']}"
    if any(words in said for words in _FUNCTIONAL_WORDS):
        return with_detail(Reason.ENGINE_ERROR, f"{_NO_FUNCTIONAL} ({said})")
    return why_stopped(account.model_copy(update={"log": f"{account.log}\n{said}"}))  # pw.x's own last word: stopping
