"""`recsys simulate`: a folder of its own, with a report whose pictures are there."""

import re
from itertools import count
from pathlib import Path

import pytest
from rich.console import Console

from recsys_pipeline.commands import simulate
from recsys_pipeline.commands.simulate import Wanted, live_half_year
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.quality import PlainChecker
from recsys_pipeline.settings import load_settings
from recsys_pipeline.tracking import MemoryTracker


def wanted(out, **changes):
    fields = {"weeks": 3, "users": 150, "seed": 7, "exploration": 1, "shuffled": False}
    return Wanted(**{**fields, "worlds": False, "out": out, **changes})


def test_a_half_year_leaves_a_folder_to_look_around_in(tmp_path, monkeypatch):
    monkeypatch.setattr(simulate, "GreatExpectationsChecker", lambda folder: PlainChecker())
    monkeypatch.setattr(simulate, "MlflowTracker", lambda folder: MemoryTracker())
    console, ticks = Console(record=True, width=120), count()
    out = tmp_path / "half"
    told = live_half_year(load_settings(), wanted(out), console, lambda: float(next(ticks)))
    assert (told["weeks"], told["users"], told["seed"]) == (3, 150, 7)
    assert load_settings(out / "recsys.toml").source.simulated.users == 150
    text = (out / "half_year.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert pictures
    assert all((out / Path(picture)).is_file() for picture in pictures)
    assert "<img" in (out / "half_year.html").read_text(encoding="utf-8")
    shown = console.export_text()
    assert "nan" not in shown
    assert "half_year.html" in shown
    with pytest.raises(SettingsError, match="not empty"):
        live_half_year(load_settings(), wanted(out), console, lambda: 0.0)


def test_a_value_that_is_not_possible_is_named(tmp_path):
    with pytest.raises(SettingsError, match="--exploration"):
        wanted(tmp_path, exploration=11).config()


def test_the_line_that_does_it_again_says_all(tmp_path):
    line = wanted(tmp_path, shuffled=True).command
    assert line == "recsys simulate --weeks 3 --users 150 --seed 7 --exploration 1 --shuffled"
