"""The house is as docs/architecture.md draws it, and its rules hold."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from recsys_pipeline.contracts import SOURCE_TABLES, TOP_N

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "recsys_pipeline"
TESTS = ROOT / "recsys_pipeline_tests"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
SINGLES = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DECISIONS = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

VENDORS = ("dagster", "great_expectations", "mlflow", "sqlalchemy", "fastapi")
# For Dagster's server, and for MLflow's, which runs a copy of the file.
WORK_WHEN_IMPORTED = {"definitions.py", "tracking/served_model.py"}
RUN_DAGSTER = {"commands/run.py", "commands/serve.py"}
# These hold SQLAlchemy, and are loaded where a database is opened.
HOLD_SQL = {
    f"storage/{name}.py"
    for name in (
        *("database", "erasures", "events", "keys", "schema", "sql_source", "state", "tables"),
        *("migrations/env", "migrations/versions/v0001_first", "traces", "backup"),
        *("held_people", "barred", "answer_hours", "migrations/versions/v0002_online"),
    )
}
# These load the web's framework, too, and serve.
SERVE = {"commands/serve_api.py"}
# A foreign platform's table, whose column names are its own even where they are ours; and a
# revision, which says for ever what it said when it was written.
FOREIGN_NAMES = {"simulation/export.py", "storage/migrations/versions/v0001_first.py"}


def inside(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def each_module(*, without: set[str] = frozenset()) -> pytest.MarkDecorator:
    paths = [path for path in MODULES if inside(path) not in without]
    return pytest.mark.parametrize("path", paths, ids=inside)


def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def test_every_folder_with_code_is_a_room():
    assert {inside(path.parent) for path in MODULES if path.parent.parent == PACKAGE} == ROOMS


def test_every_room_and_no_other_has_a_paragraph():
    headings = re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert set(headings) == {f"{room}/" for room in ROOMS} | SINGLES


def test_every_room_and_no_other_is_in_the_drawing():
    (drawing,) = re.findall(r"```\nrecsys_pipeline/\n(.*?)```", PAGE, re.DOTALL)
    places = re.findall(r"(?:^|\s{2,})([a-z_]+/|[a-z]+\.py)(?=\s)", drawing)
    assert sorted(places) == sorted({f"{room}/" for room in ROOMS} | SINGLES)


def test_the_order_of_imports_is_the_one_that_is_checked():
    contracts = {each["id"]: each for each in PYPROJECT["tool"]["importlinter"]["contracts"]}
    layers = contracts["layers"]
    checked = [re.findall(r"\w+", layer) for layer in layers["layers"]]
    (text,) = re.findall(r"```\n(definitions .*?)```", PAGE, re.DOTALL)
    assert [re.findall(r"\w+", layer) for layer in text.split("→")] == checked
    assert layers["exhaustive"] is True
    assert {name for layer in checked for name in layer} == ROOMS | {
        name.removesuffix(".py") for name in SINGLES
    }


def test_tests_mirror_the_rooms():
    folders = {path.parent.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/test_*.py")}
    assert folders >= ROOMS


@each_module()
def test_no_module_is_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@each_module()
def test_no_module_loads_code_from_data(path):
    for node in nodes(path):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is False
        if isinstance(node, ast.Import | ast.ImportFrom):
            origins = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            origins += [alias.name for alias in node.names]
            assert not {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"} & {
                origin.partition(".")[0] for origin in origins
            }


@each_module()
def test_no_module_holds_placeholders(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text)


@each_module(without=FOREIGN_NAMES | {"contracts/names.py"})
def test_columns_are_named_once(path):
    # Names of a single word (age, title, score) mean other things too.
    columns = {
        name
        for contract in (*SOURCE_TABLES, TOP_N)
        for name in contract.column_names
        if "_" in name
    }
    written = {node.value for node in nodes(path) if isinstance(node, ast.Constant)}
    assert not columns & {value for value in written if isinstance(value, str)}


IMPORT_ALL = """
import importlib, sys

def watch(event, details):
    if event in ("socket.connect", "os.system"):
        raise SystemExit(f"{event} {details} during import")

sys.addaudithook(watch)
for name in sys.argv[2].split(","):
    importlib.import_module(name)
loaded = [vendor for vendor in sys.argv[1].split(",") if vendor in sys.modules]
raise SystemExit(f"imported {loaded}" if loaded else 0)
"""


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_importing_loads_no_framework_and_leaves_nothing_behind(tmp_path):
    """The command line answers at once: frameworks are loaded where they are used."""
    names = [
        dotted(path)
        for path in MODULES
        if inside(path) not in WORK_WHEN_IMPORTED | RUN_DAGSTER | HOLD_SQL | SERVE
        and not {PACKAGE / "defs", PACKAGE / "serving"} & {*path.parents}
    ]
    assert "recsys_pipeline.cli" in names
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, ",".join(VENDORS), ",".join(names)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_decisions_are_numbered_and_name_every_dependency():
    numbers = [int(number) for number in re.findall(r"^(\d+)\. \*\*", DECISIONS, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    project = PYPROJECT["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    missing = [
        name
        for name in (Requirement(line).name for line in lines)
        if not re.search(rf"\*\*{re.escape(name)}\*\*", DECISIONS)
    ]
    assert missing == []


def test_the_changelog_knows_the_version_or_what_is_to_come():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert headings[0] in ("Unreleased", PYPROJECT["project"]["version"])
