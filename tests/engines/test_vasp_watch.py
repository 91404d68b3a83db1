"""The look at a running relaxation: what its CONTCAR shows, through a real transport, and a real job that is stopped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from aiida.engine.processes.calcjobs.monitors import CalcJobMonitor
from aiida.plugins import TransportFactory
from pymatgen.core import Lattice, Structure

from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.engines.vasp.engine import VaspEngine
from aiida_mlhull.engines.vasp.watch import CELL_MONITOR, watch_cell
from aiida_mlhull.job_pool.watch import cell_monitor
from aiida_mlhull.science.dft.account import JOB_STOPPED, Account
from aiida_mlhull.science.dft.limits import Limits
from aiida_mlhull.science.types import Labels
from aiida_mlhull.science.vasp.outcome import judge
from aiida_mlhull.science.vasp.settings import VaspSettings, read_step
from tests.arsenides import choice
from tests.engines.test_vasp import OPTIONS, POTENTIALS, called, rock_salts
from tests.vasp_codes import placeholders, standin

BEFORE = Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.2), ["Mg", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def contcar(scale: float = 1.0, *, mirrored: bool = False, nearer: float = 0.0) -> str:
    cell = np.asarray(BEFORE.lattice.matrix) * scale * ([[-1.0], [1.0], [1.0]] if mirrored else 1.0)
    coordinates = np.asarray(BEFORE.frac_coords).copy()
    coordinates[4:] = coordinates[4:] * (1 - nearer) + coordinates[:1] * nearer
    rows = [" ".join(f"{x:.9f}" for x in row) for row in [*cell, *coordinates]]  # pymatgen would turn it back
    return "\n".join(["MgO", "1.0", *rows[:3], "Mg O", "4 4", "Direct", *rows[3:]]) + "\n"


@pytest.fixture
def look(tmp_path):
    """What the monitor says of a folder with this CONTCAR, None for none, reached as AiiDA reaches it."""

    def at(text: str | None) -> str | None:
        node = orm.CalcJobNode()
        node.set_remote_workdir(str(tmp_path))
        if text is not None:
            (tmp_path / "CONTCAR").write_text(text)
        told = cell_monitor(CELL_MONITOR, BEFORE.lattice.matrix, Limits(volume_ratio=4.0), every=600)
        with TransportFactory("core.local")() as transport:
            return watch_cell(node, transport, **told["kwargs"])

    return at


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (contcar(), None),
        (contcar(1.5), None),
        (contcar(1.6), "unphysical_cell: volume x 4.1"),
        (contcar(0.6), "unphysical_cell: volume x 0.216"),
        (contcar(mirrored=True), "unphysical_cell: turned inside out"),
        (contcar(nearer=0.95), "unphysical_cell: atoms 0."),
    ],
    ids=["as it was", "larger", "exploded", "collapsed", "mirrored", "too near"],
)
def test_a_cell_that_has_run_away_is_told(look, text, told) -> None:
    found = look(text)
    assert found is None if told is None else found.startswith(told)


@pytest.mark.parametrize(
    "text", [None, "", "NOT VASP\n", contcar(9.0)[:150], contcar(9.0)[:-60], "a\n1.0\nb c d\n"], ids=range(6)
)
def test_what_is_not_there_or_half_written_stops_nobody(look, text) -> None:
    assert look(text) is None


def test_aiida_knows_the_monitor() -> None:
    CalcJobMonitor(**cell_monitor(CELL_MONITOR, BEFORE.lattice.matrix, Limits(), every=600))  # it would refuse


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("unphysical_cell: volume x 17", "unphysical_cell: volume x 17"),
        ("Very large stdout detected: 6.00 MB", "engine_error: Very large stdout detected: 6.00 MB"),
    ],
)
def test_what_a_monitor_stopped_has_its_reason(message, told) -> None:
    step = read_step(VaspSettings(protocol="ekstrom-2022"), stage="preprerelax")
    stopped = Account(chain_status=503, job_statuses=(JOB_STOPPED,), job_message=message)
    misc = {"total_energies": {"energy_extrapolated": -9.0}, "run_status": {"electronic_converged": True}}
    assert judge(stopped, misc, step, has_cell=True) == told


@pytest.fixture
def relax(aiida_code_installed, tmp_path):
    """Relax MgO by the stand-in itself, which waits after every step; row, and calculation."""
    pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")
    (tmp_path / "potentials").mkdir()

    def run(*, limit: int = 600, **settings: Any) -> tuple[Labels, Any]:
        cells = rock_salts(MgO=4.7)
        outputs, node = run_get_node(
            VaspEngine,
            code=standin(aiida_code_installed, tmp_path, faults="slow 20"),
            potential_family=orm.Str(placeholders(tmp_path / "potentials", *POTENTIALS)),
            cells=CandidatesData.from_science(cells),
            chosen=DecisionsData.from_science(choice(cells, [0])),
            stage=orm.Dict({"name": "final", "engine": "vasp", "settings": {"protocol": "ekstrom-2022", **settings}}),
            options=orm.Dict({**OPTIONS, "max_wallclock_seconds": limit}),
        )
        assert node.is_finished_ok, node.exit_message
        labels = outputs["labels"].to_science()
        assert np.array_equal(labels.crystals.lattices, cells.crystals.lattices)
        (job,) = called(node, "VaspCalculation")
        return labels, job

    return run


@pytest.mark.slow
def test_a_running_job_is_stopped(relax) -> None:
    """The volume may not change by more than 5 %."""
    labels, job = relax(limits={"volume_ratio": 1.05}, look_every=1)
    assert labels.failures[0].startswith("unphysical_cell: volume x 0.")
    assert job.exit_status == JOB_STOPPED
    assert job.outputs.misc["run_status"]["finished"] is False


@pytest.mark.slow
def test_time_that_is_over_is_told(relax) -> None:
    labels, job = relax(limit=15, restarts=0)
    assert labels.failures[0] == "out_of_time"
    assert not job.is_finished_ok
