"""What the page on operations and the files of containers name is there."""

import re
import tomllib
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from recsys_pipeline.cli import app
from recsys_pipeline.defs.instance import TEMPLATE
from recsys_pipeline.serving.metrics import Metrics
from recsys_pipeline.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OWN = ("api", "dagster-webserver", "dagster-daemon", "mlflow")
INSTRUCTIONS = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}


def dockerfile() -> list[tuple[str, str]]:
    """Instructions with their arguments, continued lines joined and comments left out."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in joined if line.strip()]


def command(words: list[str]) -> Any:
    """The command that the first of these words name, without options and arguments."""
    found: Any = typer.main.get_command(app)
    for word in words:
        commands = getattr(found, "commands", None)
        if commands is None:
            return found
        assert word in commands, f"recsys {' '.join(words)}"
        found = commands[word]
    return found


def commands_in(text: str) -> set[str]:
    code = re.findall(r"```\w*\n(.*?)```|`([^`\n]+)`", text, flags=re.DOTALL)
    joined = "\n".join(block or inline for block, inline in code).replace("\\\n", " ")
    return set(re.findall(r"(?<![\w/.-])recsys (?=[a-z])[^\n#;>|]*", joined))


@pytest.mark.parametrize("line", sorted(commands_in(PAGE)))
def test_every_command_of_the_page_is_there_with_its_options(line):
    words = line.split()
    found = command([word for word in words[1:] if not word.startswith("-")])
    options = {name for parameter in found.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def setting(path: str) -> bool:
    def inner(model: Any, name: str) -> Any:
        fields = getattr(model, "model_fields", {})
        return fields[name].annotation if name in fields else None

    return reduce(inner, path.split("."), Settings) is not None


def test_every_setting_of_the_page_and_of_compose_is_there():
    sections = "|".join(name for name in Settings.model_fields if name != "root")
    named = set(re.findall(rf"`(?:\[?)((?:{sections})\.[a-z_.]+)", PAGE))
    variables = set(re.findall(r"\bRECSYS_([A-Z_]+)", PAGE))
    for service in COMPOSE["services"].values():
        variables |= {
            name.removeprefix("RECSYS_")
            for name in service.get("environment", {})
            if name.startswith("RECSYS_")
        }
    named |= {name.lower().replace("__", ".") for name in variables}
    assert len(named) >= 7
    assert [name for name in sorted(named) if not setting(name)] == []
    assert not setting("serving.no_such")


def test_every_metric_of_the_page_is_there():
    metrics = Metrics()
    metrics.begin()
    metrics.end("GET", "/v1/users/{user_id}/recommendations", 200, 0.01)
    metrics.answer("stored", False)
    metrics.events("view")
    metrics.database_error("events")
    metrics.cache("hit")
    metrics.releases(frozenset({"r"}), 0.0, 0.0)
    metrics.impressions(0, 0)
    known = set(re.findall(r"^(recsys_\w+)", metrics.text(0.0)[0].decode(), flags=re.MULTILINE))
    named = set(re.findall(r"\brecsys_[a-z_]+", PAGE)) - {"recsys_key", "recsys_pipeline"}
    assert len(named) > 8
    assert named <= known


def test_the_page_names_files_that_are_there():
    for name in re.findall(r"\]\((\.\./[^)#]+|[a-z_]+\.md)", PAGE):
        assert (ROOT / "docs" / name).exists(), name
    for name in ("Dockerfile", "compose.yaml", "requirements-server.lock"):
        assert f"`{name}`" in PAGE
        assert (ROOT / name).is_file()


def test_dagster_in_postgresql_differs_from_the_usual_one_in_its_storage_only():
    usual = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    other = yaml.safe_load((ROOT / "deploy" / "dagster-postgres.yaml").read_text(encoding="utf-8"))
    storage = {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}
    assert other == {**usual, "storage": storage}
    assert yaml.safe_load(re.findall(r"```yaml\n(storage:.*?)```", PAGE, re.DOTALL)[0]) == {
        "storage": storage
    }


def test_dagster_takes_its_storage_from_the_variable(tmp_path, monkeypatch):
    from dagster_postgres import DagsterPostgresStorage

    from recsys_pipeline.defs.instance import instance_for

    text = (ROOT / "deploy" / "dagster-postgres.yaml").read_text(encoding="utf-8")
    (tmp_path / "dagster.yaml").write_text(text, encoding="utf-8")
    made: list[str] = []

    def from_config(inst_data, config_value):
        made.append(config_value["postgres_url"])
        raise ValueError("far enough")

    monkeypatch.setattr(DagsterPostgresStorage, "from_config_value", staticmethod(from_config))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "postgresql+psycopg2://u:p@127.0.0.1:1/d")
    with pytest.raises(Exception, match="far enough"):
        _ = instance_for(tmp_path).run_storage
    assert made == ["postgresql+psycopg2://u:p@127.0.0.1:1/d"]


def test_compose_opens_nothing_to_other_machines_and_holds_no_secret():
    assert set(COMPOSE["services"]) == {"postgres", "redis", *OWN}
    for name, service in COMPOSE["services"].items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
        for source in (each.partition(":")[0] for each in service.get("volumes", [])):
            assert source.startswith("./") or source in COMPOSE["volumes"], source
        for key, value in service.get("environment", {}).items():
            for secret in re.findall(r"//\w+:([^@]+)@", value):
                assert secret.startswith("${POSTGRES_PASSWORD"), key
        for other in service.get("depends_on", {}):
            assert "healthcheck" in COMPOSE["services"][other]
    for name in ("redis", *OWN):
        assert "privileged" not in COMPOSE["services"][name]


def test_compose_starts_commands_that_there_are():
    served = COMPOSE["services"]["api"]["command"]
    assert served[0] == "recsys"
    found = command(served[1:2])
    options = {name for parameter in found.params for name in parameter.opts}
    assert {word for word in served if word.startswith("--")} <= options
    environment = COMPOSE["services"]["api"]["environment"]
    assert environment["DAGSTER_POSTGRES_URL"].startswith("postgresql+psycopg2://")
    assert {"dagster", "mlflow"} == set(
        re.findall(
            r"CREATE DATABASE (\w+);", (ROOT / "deploy" / "postgres-databases.sql").read_text()
        )
    )


def test_the_image_has_two_stages_hashes_and_a_user_without_rights():
    steps = dockerfile()
    assert {name for name, _ in steps} <= INSTRUCTIONS
    assert [text for name, text in steps if name == "FROM"] == [
        "python:3.11-slim AS build",
        "python:3.11-slim",
    ]
    installs = [text for name, text in steps if name == "RUN" and "requirements" in text]
    assert installs
    for text in installs:
        assert text.count("--require-hashes") == text.count(" -r requirements")
    names = [name for name, _ in steps]
    user = next(text for name, text in steps if name == "USER")
    assert user.isdigit()
    assert int(user) > 0
    assert names.index("USER") < names.index("CMD")
    assert "/v1/health/ready" in next(text for name, text in steps if name == "HEALTHCHECK")
    assert steps[-1] == ("CMD", '["recsys", "serve", "--host", "0.0.0.0", "--port", "8000"]')


def test_the_image_is_built_from_what_the_ignore_file_lets_in():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {
        word
        for name, text in dockerfile()
        if name == "COPY" and "--from" not in text
        for word in text.split()[:-1]
    }
    assert copied == let_in
    assert "*" in ignored
    assert all((ROOT / name).exists() for name in copied)
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["readme"] in copied
