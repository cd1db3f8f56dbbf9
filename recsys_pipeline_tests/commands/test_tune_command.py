"""`recsys tune`: what it needs, what it tells, and what it leaves alone."""

import io
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from recsys_pipeline.commands.tune import show_session, tune_settings
from recsys_pipeline.errors import SettingsError, SetupError
from recsys_pipeline.evaluation.intervals import Interval
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.tuning import Finding, Tuned
from recsys_pipeline.pipeline.tuning_config import TuningConfig
from recsys_pipeline.settings import load_settings
from recsys_pipeline.tracking import MemoryTracker
from recsys_pipeline.tuning import TUNED_FILE, Session
from recsys_pipeline.tuning import optuna_studies as real

NOW = pd.Timestamp("2024-01-01T05:00", tz="UTC")
WORLD = """
# Ours.
[source.simulated]
users = 60
movies = 30
interactions = 900
[learning]
k = 5
recommenders = { use = ["segment_popularity"] }
"""
CHANGES = {"recommenders.profile.ridge": (10.0, 42.0)}
FINDING = Finding("profile", "auc", 0.7, 0.75, Interval(0.05, 0.02, 0.08, 60), CHANGES, 12, 3)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=100)


def told(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


@pytest.fixture
def world(tmp_path: Path) -> Path:
    path = tmp_path / "recsys.toml"
    path.write_text(WORLD, encoding="utf-8")
    return path


def tune(world: Path, console: Console, tracker: MemoryTracker, **options) -> Session:
    return tune_settings(
        load_settings(world),
        TuningConfig(trials=2),
        tracker,
        NOW,
        console,
        original=world,
        **options,
    )


def test_trials_are_told_tracked_and_kept(world, console):
    tracker = MemoryTracker()

    first = tune(world, console, tracker)
    second = tune(world, console, tracker)
    show_session(second, console)

    assert (first.tuned.trials, second.tuned.findings[0].trials) == (2, 5)
    assert (world.parent / "data" / "tuning" / "study.db").is_file()
    assert world.read_text(encoding="utf-8") == WORLD
    assert "Ctrl-C keeps what was found" in told(console)
    assert "segment_popularity 2: " in told(console)
    assert "2 settings tried in" in told(console)


def test_without_optuna(world, console, monkeypatch):
    monkeypatch.setattr(real, "find_spec", lambda name: None)
    tracker = MemoryTracker()

    with pytest.raises(SetupError, match="needs Optuna") as error:
        tune(world, console, tracker)

    assert (error.value.exit_code, tracker.runs) == (7, {})
    assert "pip install recsys-pipeline[tuning]" in error.value.hint


def test_the_users_file_is_refused_before_anything_is_done(world, console):
    tracker = MemoryTracker()

    with pytest.raises(SettingsError, match="your own settings"):
        tune(world, console, tracker, out=world)

    assert tracker.runs == {}
    assert not (world.parent / "data").exists()


def test_changes_are_shown_with_what_to_do_next(console, tmp_path: Path):
    tuned = Tuned(LearningConfig(), (FINDING,), 12, 63.4, False)

    show_session(Session(tuned, tmp_path / TUNED_FILE, "run", "#/runs/run"), console)

    text = told(console)
    assert "12 settings tried in 63 s." in text
    assert "AUC 0.7000 → 0.7500, difference +0.0500 (95 % interval +0.0200 to +0.0800)" in text
    assert "learning.recommenders.profile.ridge: 10.0 → 42.0" in text
    assert "recsys run --settings recsys.tuned.toml" in text


@pytest.mark.parametrize("findings", [(), (FINDING,)])
def test_nothing_better_is_said_in_a_sentence(console, findings):
    tuned = Tuned(LearningConfig(), findings, 0, 1.0, False)

    show_session(Session(tuned, None, "run", "#/runs/run"), console)

    assert "The settings stay as they are" in told(console)
    assert ("holds too little" in told(console)) == (findings == ())
