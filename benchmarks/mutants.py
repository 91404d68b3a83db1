"""Do the tests notice? Small mistakes are made in the code one at a time, and the room's tests are run.

    python -m benchmarks.mutants --rooms hull triage metrics --sample 60 --seed 1 --json

A mutant is one changed operator, comparison, boolean, number or sign in one function. It is killed if a test fails
(or doesn't come to an end), and it survives if all pass. The sample is drawn with the seed from all places where
something can be changed; messages, docstrings, annotations and arguments of ``Field`` are left alone. Survivors
are listed with their line, to be judged: some mutants are equivalent to the original.

Every mutant is written into a copy of the package and tested by a forked child, so that slow imports are paid once.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRELOADED = (
    "numpy",
    "scipy.optimize",
    "sklearn.ensemble",
    "torch",
    "numba",
    "pymatgen.core",
    "pyarrow.parquet",
    "pytest",
)
"""Imported once, before the children are forked; nothing of the package itself."""

CONTRACTS = {"triage": (ROOT / "tests" / "contracts" / "test_rules.py",)}
"""Tests outside of a room's own that walk its registry."""

COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One changed place.

    Attributes:
        file: relative to the package's parent.
        line: number of the changed line.
        change: what was changed, in words.
        source: the whole changed file.
        tests: folders and files that should notice, the module's own first.
    """

    file: str
    line: int
    change: str
    source: str
    tests: tuple[str, ...]


def places(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Nodes inside functions that can be changed, with the kind of change."""
    skipped = {id(part) for node in ast.walk(tree) for part in _untouched(node)}
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for statement in function.body:
            for node in ast.walk(statement):
                if id(node) in skipped:
                    continue
                if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
                    yield node, "comparison"
                elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATORS:
                    yield node, "operator"
                elif isinstance(node, ast.BoolOp):
                    yield node, "and/or"
                elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
                    yield node, "sign"
                elif isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
                    yield node, "number"


def _untouched(node: ast.AST) -> Iterator[ast.AST]:
    """Parts that only people read: messages of errors, annotations, formatted text, type arguments."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.AnnAssign | ast.arguments | ast.Assert):
        parts = [node.annotation] if isinstance(node, ast.AnnAssign) else [node]
        for part in parts:
            yield from ast.walk(part)
    if isinstance(node, ast.FunctionDef) and node.returns is not None:
        yield from ast.walk(node.returns)


def change(node: ast.AST, kind: str) -> str:
    """Change the node in place, and describe the change."""
    before = ast.unparse(node)
    if kind == "comparison":
        node.ops[0] = COMPARISONS[type(node.ops[0])]()  # type: ignore[attr-defined]
    elif kind == "operator":
        node.op = OPERATORS[type(node.op)]()  # type: ignore[attr-defined]
    elif kind == "and/or":
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()  # type: ignore[attr-defined]
    elif kind == "sign":
        return f"{before} -> {ast.unparse(node.operand)}"  # type: ignore[attr-defined]
    else:
        value = node.value  # type: ignore[attr-defined]
        node.value = (not value) if isinstance(value, bool) else value + 1  # type: ignore[attr-defined]
    return f"{before} -> {ast.unparse(node)}"


def mutants(folder: Path, tests: Path) -> Iterator[Mutant]:
    """Every mutant of the modules of a folder."""
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text()
        for number, _ in enumerate(places(ast.parse(text))):
            tree = ast.parse(text)
            node, kind = next(item for index, item in enumerate(places(tree)) if index == number)
            line = node.lineno  # type: ignore[attr-defined]
            said = change(node, kind)
            if isinstance(node, ast.UnaryOp):
                tree = _without(tree, node)
            yield Mutant(
                file=str(path.relative_to(ROOT)),
                line=line,
                change=said,
                source=ast.unparse(ast.fix_missing_locations(tree)),
                tests=_tests(path.stem, tests),
            )


def _tests(module: str, folder: Path) -> tuple[str, ...]:
    own = folder / f"test_{module}.py"
    targets = ([own] if own.exists() else []) + [folder, *CONTRACTS.get(folder.name, ())]
    return tuple(str(target.relative_to(ROOT)) for target in targets)


def _without(tree: ast.Module, unary: ast.UnaryOp) -> ast.Module:
    class Remove(ast.NodeTransformer):
        def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
            self.generic_visit(node)
            return node.operand if node is unary else node

    return Remove().visit(tree)


def survives(mutant: Mutant, copy: Path, *, seconds: float) -> bool:
    """Whether all tests pass with the mutant in the copy of the package: the module's own, then the room's."""
    target = copy / mutant.file
    original = target.read_text()
    target.write_text(mutant.source)
    try:
        return all(_passes(tests, copy, seconds=seconds) for tests in mutant.tests)
    finally:
        target.write_text(original)


def _passes(tests: str, copy: Path, *, seconds: float) -> bool:
    child = os.fork()
    if child == 0:
        os.setsid()
        _test(tests, copy)
    return _ended_well(child, seconds=seconds)


def _test(tests: str, copy: Path) -> None:
    """In the child: run the tests against the copy, and leave with their exit code."""
    os.chdir(copy)
    sys.path[:] = [str(copy), *(entry for entry in sys.path if Path(entry or ".").resolve() != ROOT)]
    pytest = importlib.import_module("pytest")
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", tests]
        with contextlib.redirect_stdout(io.StringIO()):
            code = pytest.main(options)
    os._exit(int(code))


def _ended_well(child: int, *, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def main() -> None:
    """Draw, test, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", nargs="+", default=["science/hull", "science/triage", "science/metrics"])
    parser.add_argument("--sample", type=int, default=40, help="mutants per room")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=240.0, help="limit per mutant")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    for name in PRELOADED:
        importlib.import_module(name)
    outcome = {}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        for part in ("aiida_mlhull", "tests", "benchmarks", "docs"):
            shutil.copytree(ROOT / part, copy / part)
        shutil.copy(ROOT / "pyproject.toml", copy)
        for room in chosen.rooms:
            every = list(mutants(ROOT / "aiida_mlhull" / room, ROOT / "tests" / room))
            drawn = random.Random(chosen.seed).sample(every, min(chosen.sample, len(every)))
            alive = []
            for number, mutant in enumerate(drawn):
                lived = survives(mutant, copy, seconds=chosen.seconds)
                alive += [mutant] if lived else []
                print(f"{room} {number + 1}/{len(drawn)} {'SURVIVED' if lived else 'killed'} {mutant.file}:{mutant.line} "
                      f"{mutant.change}", file=sys.stderr, flush=True)  # fmt: skip
            survivors = [{name: value for name, value in asdict(one).items() if name != "source"} for one in alive]
            outcome[room] = {"places": len(every), "drawn": len(drawn), "survived": len(alive), "survivors": survivors}
    print(json.dumps({"seed": chosen.seed, "rooms": outcome}, indent=None if chosen.json else 2))


if __name__ == "__main__":
    main()
