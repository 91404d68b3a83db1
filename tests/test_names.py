"""Every name of the graph leads through AiiDA's factories to what it names, and back to its process type."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections import defaultdict
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import aiida_mlhull
from aiida_mlhull import names

BASES = ("Engine", "JobPool", "Lane", "LaneEngine", "MlhullJob", "Steered", "AsksProperties", "TakesOver")
OF_AIIDA = ("metadata", "monitors", "remote_folder", "remote_stash", "retrieved")
GROUPS = (names.WORKFLOWS, names.CALCULATIONS)
OURS = [(group, point.name) for group in GROUPS for point in entry_points(group=group) if "mlhull" in point.name]


def loaded(name: names.ProcessName):
    from aiida.plugins import CalculationFactory, WorkflowFactory

    factory = {names.WORKFLOWS: WorkflowFactory, names.CALCULATIONS: CalculationFactory}[name.group]
    return factory(name.entry_point)


def process_class(name: names.ProcessName):
    process = loaded(name)
    return process if inspect.isclass(process) else process.process_class


@pytest.mark.parametrize("name", names.PROCESSES, ids=lambda name: name.entry_point)
def test_a_name_leads_to_its_process_and_back(name):
    process = process_class(name)
    assert process.__name__ == name.label
    assert process.build_process_type() == name.process_type
    assert name.matches(name.process_type)
    assert not name.matches(None)


@pytest.mark.parametrize("entry_point", names.NODES)
def test_a_name_leads_to_its_node_and_back(entry_point):
    from aiida.plugins import DataFactory
    from aiida.plugins.entry_point import get_entry_point_string_from_class

    node_class = DataFactory(entry_point)
    assert node_class.__name__ == names.NODES[entry_point]
    assert (
        get_entry_point_string_from_class(node_class.__module__, node_class.__name__) == f"{names.DATA}:{entry_point}"
    )


def test_every_node_has_a_name():
    assert sorted(one.name for one in entry_points(group=names.DATA) if "mlhull" in one.name) == sorted(names.NODES)


@pytest.mark.parametrize(
    "job",
    [names.FIT, names.PREDICT, names.RELAX, names.FIT_PRODUCTS, names.PREDICT_PRODUCTS],
    ids=lambda name: name.entry_point,
)
def test_a_job_is_read_by_the_parser_of_its_name(job):
    from aiida.plugins import ParserFactory

    default = loaded(job).spec().inputs["metadata"]["options"]["parser_name"].default
    assert ParserFactory(default).__module__ == f"aiida_mlhull.parsers.{job.entry_point.removeprefix('mlhull.')}"


def test_every_entry_point_has_a_name():
    assert sorted(OURS) == sorted((name.group, name.entry_point) for name in names.PROCESSES)


def test_no_two_processes_share_a_process_type():
    types = [one for name in names.PROCESSES for one in name.process_types]
    assert len(set(types)) == len(types)


def test_no_process_of_the_package_is_without_a_name():
    """WorkChains, jobs and calcfunctions, wherever in the package they are defined; bases that never run excepted."""
    from aiida.engine import Process

    modules = pkgutil.walk_packages(aiida_mlhull.__path__, "aiida_mlhull.")
    rooms = ("calculations", "engines", "workflows", "job_pool", "launching", "graph")
    defined = {}
    for module in (one.name for one in modules if one.name.split(".")[1] in rooms):
        for value in vars(__import__(module, fromlist=["_"])).values():
            process = getattr(value, "process_class", value if inspect.isclass(value) else None)
            ours = inspect.isclass(process) and issubclass(process, Process) and process.__module__ == module
            if ours and process.__name__ not in BASES:
                defined[process.build_process_type()] = process
    assert {name.process_type for name in names.PROCESSES} == set(defined)


@pytest.mark.parametrize("name", names.PROCESSES, ids=lambda name: name.entry_point)
def test_its_ports_are_documented(name):
    spec = process_class(name).spec()
    assert process_class(name).__doc__ or spec.inputs.help
    ports = [*spec.inputs.items(), *spec.outputs.items()]
    assert [key for key, port in ports if not port.help and key not in OF_AIIDA] == []


def test_filters_take_in_what_earlier_versions_stored():
    assert names.any_of(names.ROUND) == {
        "process_type": {"in": ["aiida.workflows:mlhull.round", "aiida_mlhull.workflows.round.Round"]}
    }
    assert names.none_of(names.EXTEND_LABELS) == {
        "process_type": {
            "!in": [
                "aiida.calculations:mlhull.extend_labels",
                "aiida_mlhull.calculations.functions.extend_labels",
            ]
        }
    }


def _named_in(path: Path) -> list[str]:
    """Public classes and type aliases that a module makes; what it takes from one of AiiDA's factories isn't its own."""
    made = []
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ClassDef):
            made.append(statement.name)
        elif isinstance(statement, ast.Assign) and not isinstance(statement.value, ast.Call):
            made += [one.id for one in statement.targets if isinstance(one, ast.Name)]
    return [name for name in made if re.fullmatch(r"[A-Z]\w*[a-z]\w*", name)]


def test_one_name_means_one_thing():
    """Whoever reads ``Calibration`` need not ask which one."""
    package = Path(aiida_mlhull.__file__).parent
    places = defaultdict(set)
    for path in package.rglob("*.py"):
        for name in _named_in(path):
            places[name].add(str(path.relative_to(package)))
    assert {name: sorted(where) for name, where in places.items() if len(where) > 1} == {}
    assert len(places) > 300
