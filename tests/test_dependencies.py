"""What the package imports is declared: in the core, or in the extra that is named where it is missing."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import aiida_mlhull

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = Path(aiida_mlhull.__file__).parent
FOR_USERS = ("potential", "sevennet", "qe", "mp", "screening", "tune")

PEOPLE_S_OWN = {"fairchem", "mace", "matgl", "mattersim", "orb_models", "tensorpotential"}
"""Potentials whose packages exclude each other, and whose weights people fetch: each names its package where it is missing."""


def named(requirements):
    """Names of distributions as an index spells them."""
    return {re.split(r"[\s\[<>=!~;]", line, maxsplit=1)[0].lower().replace("_", "-") for line in requirements}


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def imported():
    """First parts of what is imported, with the files that do."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(path.relative_to(PACKAGE).as_posix())
    return {name: files for name, files in found.items() if name not in sys.stdlib_module_names | {"aiida_mlhull"}}


def test_every_import_is_declared(project):
    declared = named(project["dependencies"]).union(
        *(named(project["optional-dependencies"][extra]) for extra in FOR_USERS)
    )
    known = packages_distributions()
    missing = {
        name: sorted(files)
        for name, files in imported().items()
        if name not in PEOPLE_S_OWN
        and not {one.lower().replace("_", "-") for one in known.get(name, [name])} & declared
    }
    assert missing == {}


def test_every_declared_package_is_used(project):
    """Nothing is asked for that nobody imports, but for what others forget to ask for."""
    forgotten_by_others = {"bibtexparser"}
    known = packages_distributions()
    used = {one.lower().replace("_", "-") for name in imported() for one in known.get(name, [name])}
    assert named(project["dependencies"]) - used - forgotten_by_others == set()
