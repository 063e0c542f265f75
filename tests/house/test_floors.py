"""The house stands as it was laid: floors, doors, names, sizes."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOORS = {
    "mlflow": "loanbook/governance/registry.py",
    "feast": "loanbook/features/store/",
    "great_expectations": "loanbook/intake/judging/quality.py",
    "lightgbm": "loanbook/training/fitting.py",
    "evidently": "loanbook/watching/drift.py",
    "securesystemslib": "loanbook/governance/signing.py",
}
LOADED_BY_ITS_TOOL = "loanbook/features/store/offline.py"  # by name, from feature_store.yaml, never by us
HEAVY = {*DOORS, "pandas", "sklearn", "scipy", "matplotlib", "duckdb"}


def _files(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def _imports(path, *, at_top):
    """Name what a file imports: anywhere, or only when it is loaded itself (type checking left out)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = _loaded(tree.body) if at_top else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _loaded(body):
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from _loaded(node.orelse)
            continue
        yield node
        for name in ("body", "orelse", "finalbody", "handlers"):
            yield from _loaded(getattr(node, name, []))


def _roots(path, *, at_top=False):
    return {name.partition(".")[0] for name in _imports(path, at_top=at_top)}


def _named(path):
    return path.relative_to(ROOT).as_posix()


def test_the_floors_hold():
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", done.stdout), done.stdout


@pytest.mark.parametrize("tool", DOORS)
def test_a_tool_has_one_door(tool):
    found = [_named(path) for path in _files("loanbook", "flows") if tool in _roots(path)]
    assert found
    assert all(name.startswith(DOORS[tool]) for name in found), found


def test_prefect_is_spoken_in_flows_alone():
    assert not [
        _named(path)
        for path in _files("loanbook", "expectations", "feature_repo")
        if "prefect" in _roots(path)
    ]
    assert all("prefect" in _roots(path) for path in _files("flows") if path.stem[0] != "_")


def test_declarations_speak_their_own_tool_and_no_other():
    for path in _files("feature_repo"):
        assert _roots(path) & HEAVY <= {"feast", "pandas"}, _named(path)
    for path in _files("expectations"):
        assert _roots(path) & HEAVY <= {"great_expectations"}, _named(path)


@pytest.mark.parametrize("path", _files("loanbook", "flows"), ids=_named)
def test_no_module_loads_a_heavy_library_when_it_is_imported(path):
    assert not _roots(path, at_top=True) & HEAVY or _named(path) == LOADED_BY_ITS_TOOL


def test_what_a_tool_loads_by_name_is_imported_by_nobody():
    module = LOADED_BY_ITS_TOOL.removesuffix(".py").replace("/", ".")
    for path in _files("loanbook", "flows"):
        names = {*_imports(path, at_top=False)}
        assert module not in names, _named(path)
        assert "offline" not in re.findall(r"from loanbook\.features\.store import (.*)", path.read_text()), (
            path
        )


@pytest.mark.parametrize("path", _files("loanbook", "flows"), ids=_named)
def test_every_module_says_where_on_the_way_it_stands(path):
    told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert told
    assert re.match(r"[\w’' ,]+(→ [\w ]+)*: |[A-Z][^:]*: |.+\.$", told.splitlines()[0]), told


@pytest.mark.parametrize("path", _files("flows"), ids=_named)
def test_flows_do_no_arithmetic_on_tables(path):
    assert not _roots(path) & {"pandas", "numpy", "pyarrow", "duckdb", "polars"}


def test_no_flow_has_the_name_of_a_module_that_can_be_imported():
    """Prefect puts flows/ first on the path for an entrypoint: it would shadow that module."""
    elsewhere = [entry for entry in sys.path if entry and Path(entry).resolve() != ROOT / "flows"]
    for path in (ROOT / "flows").glob("[!_]*.py"):
        assert path.stem not in sys.stdlib_module_names, path
        assert importlib.machinery.PathFinder.find_spec(path.stem, elsewhere) is None, path


def test_there_are_no_tests_among_what_feast_executes():
    assert not list((ROOT / "feature_repo").rglob("test_*.py"))
    assert not list((ROOT / "feature_repo").rglob("conftest.py"))


def test_every_table_has_a_suite_of_the_same_stem():
    from loanbook.schema import TABLES

    stems = {path.stem for path in (ROOT / "expectations").glob("*.py")}
    assert stems - {"every_table", "history"} == set(TABLES)


def test_every_line_has_a_policy_of_its_own():
    from loanbook.lines import LINES

    stems = {path.stem for path in (ROOT / "expectations" / "policies").glob("*.toml")}
    assert stems - {"obligations", "reasons", "retention"} == {line.stem for line in LINES.values()}


@pytest.mark.parametrize("path", _files("loanbook", "flows", "feature_repo", "expectations"), ids=_named)
def test_a_file_keeps_to_three_hundred_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", _files("loanbook", "flows", "feature_repo", "expectations"), ids=_named)
def test_no_path_is_put_on_the_import_path_by_hand_outside_a_door(path):
    text = path.read_text(encoding="utf-8")
    assert "sys.path" not in text or _named(path).startswith(DOORS["feast"])
