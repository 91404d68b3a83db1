"""What can be counted of the house, for one checkout or several side by side.

    python docs/measures.py                      # this one
    python docs/measures.py OLD_CHECKOUT .       # before and after, a Markdown table

Everything is read from the code; nothing of it is imported.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE: Final = "aiida_mlhull"
MOST_LINES: Final = 3000
"""Of a folder's own files, before it is more than one idea."""
PROCESSES: Final = frozenset({"WorkChain", "BaseRestartWorkChain", "CalcJob"})
FUNCTIONS: Final = frozenset({"calcfunction", "workfunction"})


def measures(root: Path) -> dict[str, str]:
    """Names and values, in the order in which people ask."""
    sources = {path: path.read_text(encoding="utf-8") for path in sorted((root / PACKAGE).rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in sources.items()}
    lines = {path: text.count("\n") for path, text in sources.items()}
    functions = [
        (node.end_lineno - node.lineno + 1, f"{path.stem}.{node.name}")
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
    ]
    folders: dict[str, int] = defaultdict(int)
    for path, count in lines.items():
        folders[str(path.parent.relative_to(root))] += count
    large = sorted(f"{name} ({count:,})" for name, count in folders.items() if count > MOST_LINES)
    longest, module = max(functions), max((count, path.name) for path, count in lines.items())
    twice = names_used_twice(trees)
    unnamed = without_entry_point(root, trees)
    return {
        "files": f"{len(sources):,}",
        "lines": f"{sum(lines.values()):,}",
        "longest function": f"{longest[1]}, {longest[0]} lines",
        "functions over 60 lines": str(sum(count > 60 for count, _ in functions)),  # noqa: PLR2004  (CONTRIBUTING)
        "longest module": f"{module[1]}, {module[0]} lines",
        "lines in cli/": f"{sum(count for path, count in lines.items() if 'cli' in path.relative_to(root).parts):,}",
        f"folders over {MOST_LINES:,} own lines": ", ".join(large) or "none",
        "class names used twice": ", ".join(twice) or "none",
        "process types without entry point": ", ".join(unnamed) or "none",
    }


def names_used_twice(trees: dict[Path, ast.Module]) -> list[str]:
    """Public classes and type aliases that several modules make; those that a factory of AiiDA's hands out are one."""
    places: dict[str, int] = defaultdict(int)
    for tree in trees.values():
        made = [one.name for one in tree.body if isinstance(one, ast.ClassDef)]
        for one in tree.body:
            if isinstance(one, ast.Assign) and not isinstance(one.value, ast.Call):
                made += [target.id for target in one.targets if isinstance(target, ast.Name)]
        for name in {name for name in made if re.fullmatch(r"[A-Z]\w*[a-z]\w*", name)}:
            places[name] += 1
    return sorted(name for name, count in places.items() if count > 1)


def without_entry_point(root: Path, trees: dict[Path, ast.Module]) -> list[str]:
    """Processes that no entry point names; classes with subclasses are bases that never run."""
    points = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    named = {place.partition(":")[2] for group in points.values() for place in group.values()}
    bases: dict[str, set[str]] = {}
    functions: list[str] = []
    for tree in trees.values():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                bases[node.name] = {name for base in node.bases if (name := _last(base))}
            elif isinstance(node, ast.FunctionDef) and FUNCTIONS & {_last(one) for one in node.decorator_list}:
                functions.append(node.name)
    kinds = set(PROCESSES)
    while more := {name for name, above in bases.items() if above & kinds} - kinds:
        kinds |= more
    inherited = {base for above in bases.values() for base in above}
    classes = [name for name in kinds - PROCESSES if name not in inherited]
    return sorted(name for name in (*classes, *functions) if name not in named)


def _last(node: ast.expr) -> str | None:
    """The name at the end of ``a.b.Name`` or ``Name[T]``."""
    if isinstance(node, ast.Subscript | ast.Call):
        return _last(node.value if isinstance(node, ast.Subscript) else node.func)
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)


def main() -> None:
    """Print the table."""
    roots = [Path(argument).resolve() for argument in sys.argv[1:]] or [Path(__file__).resolve().parents[1]]
    columns = [measures(root) for root in roots]
    heads = ["before", "after"] if len(columns) == 2 else [root.name for root in roots]  # noqa: PLR2004
    print(f"| what | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")  # noqa: T201
    for name in columns[-1]:
        print(f"| {name} | {' | '.join(column[name] for column in columns)} |")  # noqa: T201


if __name__ == "__main__":
    main()
