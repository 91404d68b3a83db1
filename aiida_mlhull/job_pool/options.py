"""Scheduler options and codes that could not work, refused before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from aiida import orm
from aiida.engine import CalcJob

from aiida_mlhull.science.errors import SettingsError


def check_options(options: Mapping[str, Any], code: orm.AbstractCode, *, what: str) -> None:
    """Refuse options that AiiDA's jobs don't know, or that the computer's scheduler can't take; all at once.

    Args:
        options: of a stage, with the campaign's below them.
        code: the program that they are for.
        what: they belong to, for the message.

    Raises:
        SettingsError: naming them.
    """
    metadata: Any = CalcJob.spec().inputs["metadata"]
    ports = metadata["options"]
    wrong = []
    for name, value in options.items():
        if name not in ports:
            close = get_close_matches(name, list(ports), n=1, cutoff=0.6)
            wrong.append(f"no option {name!r}" + (f" (did you mean {close[0]}?)" if close else ""))
        elif name != "resources" and (refused := ports[name].validate(value)) is not None:
            wrong.append(f"{name}: {refused.message}")
    resources = _refused_resources(options.get("resources", {}), code)
    if resources:
        wrong.append(f"resources: {resources}")
    if wrong:
        raise SettingsError(f"{what}, options of the scheduler: {'; '.join(wrong)}")


def _refused_resources(resources: Any, code: orm.AbstractCode) -> str:
    """Why the scheduler of the code's computer can't take these resources; empty if it can."""
    if code.computer is None:
        return ""
    scheduler = code.computer.get_scheduler()
    wanted = dict(resources)
    try:
        scheduler.preprocess_resources(wanted, code.computer.get_default_mpiprocs_per_machine())
        scheduler.validate_resources(**wanted)
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


def check_plugin(code: orm.AbstractCode, plugin: str, *, what: str) -> None:
    """Refuse a code of another program.

    Args:
        code: that a campaign file names.
        plugin: AiiDA's name of the program's calculations.
        what: names it, for the message.

    Raises:
        SettingsError: if the code says that it is for something else.
    """
    own = code.default_calc_job_plugin
    if own is not None and own != plugin:
        raise SettingsError(
            f"{what}: code {code.full_label} is for {own}, not for {plugin}: name another one ('verdi code list'), "
            f"or make one with 'verdi code create core.code.installed --default-calc-job-plugin {plugin}'"
        )
