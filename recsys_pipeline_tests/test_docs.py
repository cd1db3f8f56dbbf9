"""What the pages and the settings file say is so."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import typer.main

from recsys_pipeline.cli import app
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.settings import Settings, load_settings
from recsys_pipeline.simulation import World, WorldConfig, write_french_files

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
EXAMPLE = ROOT / "examples" / "french.toml"


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


REFERENCE = load_script("settings_reference")
KEYS = [key for section in REFERENCE.sections() for key in section.keys]


def without_root(settings: Settings) -> dict[str, object]:
    return settings.model_dump(exclude={"root"})


def test_the_settings_file_holds_the_defaults():
    assert without_root(load_settings(ROOT / "recsys.toml")) == without_root(Settings(root=ROOT))


def test_the_settings_file_can_be_read_with_its_examples_switched_on(tmp_path):
    text = (ROOT / "recsys.toml").read_text(encoding="utf-8")
    switched_on, examples = re.subn(r'^#(?=[\[a-z"])', "", text, flags=re.MULTILINE)
    assert examples > 5
    (tmp_path / "recsys.toml").write_text(switched_on, encoding="utf-8")
    settings = load_settings(tmp_path / "recsys.toml")
    assert settings.source.movielens is not None
    assert settings.checks.shares == {"interactions.rating.out_of_range": 0.2}


def test_the_settings_page_is_current():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == REFERENCE.reference(), "run `make docs`"


@pytest.mark.parametrize(
    "key",
    [key for key in KEYS if key.variable and key.default not in ("none", "required")],
    ids=lambda key: key.variable,
)
def test_each_variable_is_read(key, monkeypatch):
    """One that names no setting is refused, and so is a value that is none."""
    if "__SQL__" in key.variable:
        monkeypatch.setenv("RECSYS_SOURCE__SQL__URL", "sqlite:////tmp/shop.db")
        monkeypatch.setenv("RECSYS_SOURCE__SQL__INTERACTIONS__TABLE", "events")
        table = key.variable.split("__")[2]
        monkeypatch.setenv(f"RECSYS_SOURCE__SQL__{table}__TABLE", "rows")
    if "__FILES__" in key.variable:
        monkeypatch.setenv("RECSYS_SOURCE__FILES__INTERACTIONS__PATH", "events.csv")
        table = key.variable.split("__")[2]
        monkeypatch.setenv(f"RECSYS_SOURCE__FILES__{table}__PATH", "table.csv")
    value = key.default.strip("`")
    if value.startswith("{"):
        value = json.dumps(tomllib.loads(f"value = {value}")["value"])
    monkeypatch.setenv(key.variable, json.loads(value) if value.startswith('"') else value)
    settings = load_settings()
    expected = Settings(root=settings.root)
    assert without_root(settings) == without_root(expected)
    monkeypatch.setenv(f"{key.variable}_X", "1")
    with pytest.raises(SettingsError, match=r"unknown key|names no setting"):
        load_settings()


def test_the_example_is_what_init_writes(tmp_path):
    """For the files of `recsys example-data shop`, in the folder where that was typed."""
    from recsys_pipeline.commands.init import initialise

    world = World(WorldConfig(users=1_000, movies=300, interactions=15_000))
    write_french_files(world, tmp_path / "shop")
    done = initialise([tmp_path / "shop"], tmp_path, force=False)
    assert done.path.read_text(encoding="utf-8") == EXAMPLE.read_text(encoding="utf-8")


def typed(command: str) -> list[str]:
    """Every use of a command in the README's text and code."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"(?:^|[`$ ]){command} ([a-z][a-z-]*)", text, re.MULTILINE)


def test_each_command_of_the_readme_exists():
    commands = typer.main.get_command(app).commands
    named = typed("recsys")
    assert set(named) >= {"init", "run", "ui", "recommend", "doctor"}
    assert set(named) <= set(commands)


def test_each_option_of_the_readme_exists():
    commands = typer.main.get_command(app).commands
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"recsys ([a-z][a-z-]*)([^`\n]*)", text)
    for name, rest in lines:
        command = commands[name]
        below = getattr(command, "commands", {})
        command = below.get((rest.split() or [""])[0], command)
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z][a-z-]*", rest)) <= known, name


def test_each_make_target_of_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = set(typed("make"))
    assert named >= {"run", "test", "ui"}
    assert named <= targets


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"(?:\]\(|<img src=\")([^)\s\"]+)", text):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_that_is_named_exists(page):
    """Paths of this repository in backquotes, such as `docs/settings.md`."""
    text = page.read_text(encoding="utf-8")
    for path in re.findall(
        r"`((?:docs|scripts|examples|recsys_pipeline|recsys_pipeline_tests)/[\w./-]+)`", text
    ):
        assert (ROOT / path).exists(), path


def test_pictures_are_small_and_shown():
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    pictures = sorted((ROOT / "docs" / "images").glob("*.png"))
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < 200_000, picture.name
        assert picture.name in shown, picture.name


def test_the_settings_script_compares(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "settings_reference.py"), "--check"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr
