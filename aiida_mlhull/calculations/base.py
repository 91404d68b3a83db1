"""What the three jobs share: a folder for ``mlhull-job``, options, exit codes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from aiida import orm
from aiida.common.datastructures import CalcInfo, CodeInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJob
from aiida.engine.processes.calcjobs.calcjob import validate_calc_job
from pydantic import ValidationError

from aiida_mlhull.calculations.exit_codes import declare_exit_codes
from aiida_mlhull.data import CandidatesData, LabelsData
from aiida_mlhull.data.tables import TABLE_FILE
from aiida_mlhull.science.ensembles.labels_only import check_reads_labels
from aiida_mlhull.science.errors import CrystalError, InputError, MissingEndMembersError, TableError, listed
from aiida_mlhull.science.program.settings import EARLIER_FOLDER, Job
from aiida_mlhull.science.wire import DONE_FILE, JobFolder
from aiida_mlhull.science.wire.folder import JOB_FILE, REFUSED_FILE

Files = list[tuple[str, str, str]]
"""Node, file in its repository, file in the job's folder."""

Nodes = dict[str, Any]
"""What a calcfunction returns: nodes by the names of its outputs."""

CELLS_FILE: Final = "cells.parquet"
STDOUT_FILE: Final = "mlhull-job.out"
STDERR_FILE: Final = "mlhull-job.err"
LAST_MOMENTS: Final = 120.0
"""A job gives up by itself so many seconds (at most a twentieth of its time) before the scheduler ends it."""

CELLS: Final = (CandidatesData, LabelsData)


class MlhullJob(CalcJob):
    """One run of ``mlhull-job``.

    The tables travel as the bytes that lie in the nodes' repositories; nothing is read on the way.
    Cores that are asked for by the resources (``num_cores_per_mpiproc``, or ``tot_num_mpiprocs``
    where a parallel environment is asked for) are used by one process each. For a graphics card
    set the option ``device``, and ask the scheduler for it by
    ``custom_scheduler_commands = "#SBATCH --gres=gpu:1"`` or the like.
    """

    _parser: ClassVar[str]

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare options, the results that all have, and exit codes."""
        super().define(spec)
        options = spec.inputs["metadata"]["options"]
        options["resources"].default = {"num_machines": 1, "num_mpiprocs_per_machine": 1}
        options["withmpi"].default = False
        options["parser_name"].default = cls._parser
        spec.input(
            "metadata.options.device",
            valid_type=str,
            default="cpu",
            help="What to compute on: cpu, cuda, cuda:1, or auto for whatever the node has.",
        )
        spec.inputs.validator = cls._check_all
        spec.output("results", valid_type=orm.Dict, help="Versions, device, times, counts.")
        spec.default_output_node = "results"
        declare_exit_codes(spec)

    @classmethod
    @abstractmethod
    def describe(cls, inputs: Mapping[str, Any], **shared: Any) -> Job:
        """What ``job.json`` says.

        Raises:
            InputError: if the inputs contradict each other.
            ValidationError: pydantic's, if a setting is wrong.
        """

    @classmethod
    @abstractmethod
    def check(cls, inputs: Mapping[str, Any]) -> None:
        """Look at the attributes of the input nodes.

        Raises:
            InputError: if the program would refuse them.
        """

    @classmethod
    @abstractmethod
    def files(cls, inputs: Mapping[str, Any]) -> Files:
        """What lies beside it."""

    @classmethod
    @abstractmethod
    def result_files(cls, inputs: Mapping[str, Any]) -> list[str]:
        """What the program will write."""

    @classmethod
    def _check_all(cls, inputs: Any, context: Any) -> str | None:
        """Refuse inputs that the program would refuse, before anything is stored."""
        inherited: str | None = validate_calc_job(inputs, context)
        if inherited is not None:
            return inherited
        try:
            cls.check(inputs)
            cls.describe(inputs, device=inputs["metadata"]["options"]["device"])
        except KeyError:  # a workflow that exposes this job gives the missing input later
            return None
        except (InputError, ValidationError) as error:
            return str(error)
        return None

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write ``job.json`` and say which files go along."""
        options = self.inputs.metadata.options
        limit = options.get("max_wallclock_seconds")
        job = self.describe(
            self.inputs,
            device=options.device,
            processes=cores(options.resources),
            stop_after=None if limit is None else limit - min(LAST_MOMENTS, limit / 20),
        )
        with folder.open(JOB_FILE, "w") as handle:
            handle.write(JobFolder.describe(job.task, job.model_dump(mode="json")))
        codeinfo = CodeInfo()
        codeinfo.code_uuid = self.inputs.code.uuid
        codeinfo.cmdline_params = [job.task, "."]
        codeinfo.stdout_name, codeinfo.stderr_name = STDOUT_FILE, STDERR_FILE
        calcinfo = CalcInfo()
        calcinfo.codes_info = [codeinfo]
        calcinfo.local_copy_list = self.files(self.inputs)
        if "restart_from" in self.inputs:
            earlier = self.inputs.restart_from
            # A link, not a copy: the earlier try may have ended before it had written anything.
            calcinfo.remote_symlink_list = [(earlier.computer.uuid, earlier.get_remote_path(), EARLIER_FOLDER)]
        calcinfo.retrieve_list = [DONE_FILE, REFUSED_FILE, STDOUT_FILE, STDERR_FILE, *self.result_files(self.inputs)]
        return calcinfo


def cores(resources: Mapping[str, Any]) -> int:
    """Cores that the scheduler is asked for."""
    if "parallel_env" in resources:
        return int(resources["tot_num_mpiprocs"])
    return int(resources.get("num_cores_per_mpiproc") or 1)


def table(node: Any, name: str) -> tuple[str, str, str]:
    """The table of ``node`` as file ``name``."""
    return node.uuid, TABLE_FILE, name


def has_cells(node: Any) -> bool:
    """Whether the rows of a node with candidates or results have cells, by its attributes."""
    return bool(node.base.attributes.get("has_crystals", True))


def check_cells(cells: Iterable[Any], model: str | None = None) -> None:
    """Refuse candidates that are only labels, by the attributes of their nodes.

    Args:
        cells: nodes with candidates or results.
        model: that is to read them; None where they are to be relaxed.

    Raises:
        CrystalError: if there are some, and they have to have cells.
    """
    with_cells = {has_cells(node) for node in cells}
    if with_cells <= {True}:
        return
    if model is None:
        raise CrystalError(
            "candidates that are labels without cells can't be relaxed; generate them with 'cells: true'"
        )
    if len(with_cells) > 1:
        raise CrystalError("some of these candidates have cells and some are labels: make them two campaigns")
    check_reads_labels(model)


def check_baseline(baseline: str, cells: Iterable[Any], references: Any) -> None:
    """Refuse energies that nothing can be measured from, by the attributes of the nodes.

    Raises:
        InputError: if the baseline is a stage, and the cells come from none.
        MissingEndMembersError: if the references lack an element.
    """
    nodes = list(cells)
    if baseline == "stage":
        if any(isinstance(node, CandidatesData) for node in nodes):
            raise InputError("the baseline 'stage' needs labels of the stage before as cells, not candidates")
        return
    if baseline == "none":
        return
    if references is None:
        raise InputError(f"the baseline {baseline!r} needs references, but none were given")
    needed = {element for node in nodes for element in node.base.attributes.get("elements")}
    missing = needed - set(references.base.attributes.get("end_members"))
    if missing:
        raise MissingEndMembersError(f"the references hold no pure {listed(sorted(missing), limit=20)}")


def count_of(decisions: Any, rows: str = "kept") -> int:
    """How many rows of a node with decisions are ``kept`` or ``dropped``."""
    return int(decisions.base.attributes.get(f"n_{rows}"))


def check_any(decisions: Any, rows: str = "kept") -> None:
    """Refuse decisions that leave nothing to do.

    Raises:
        TableError: if no row is ``kept`` (or ``dropped``).
    """
    if not count_of(decisions, rows):
        raise TableError(f"these decisions have no row that is {rows}: there is nothing to do")


def noun_of(node: Any) -> str:
    """The noun that a node with input cells holds, as ``job.json`` calls it."""
    return "Candidates" if isinstance(node, CandidatesData) else "Labels"
