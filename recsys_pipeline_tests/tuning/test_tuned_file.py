"""The tuned settings are the user's own file with a few other values."""

import tomllib
from pathlib import Path

import pytest

from recsys_pipeline.errors import SettingsError, SetupError
from recsys_pipeline.settings import load_settings
from recsys_pipeline.tuning import TUNED_FILE, check_target, write_tuned
from recsys_pipeline.tuning.settings_file import tuned_text

OWN = """# Ours.
[storage]
data = "data"  # here

[learning]
k = 7  # short lists

[learning.recommenders.als]
factors = 16  # few
iterations = 15

[learning.likes.weights]
half_life_days = 90.0
"""
CHANGES = {
    "recommenders.als.factors": (16, 64),
    "recommenders.ease.regularization": ("auto", 512.0),
    "likes.lowest_weight": (0.3, 0.5),
    "likes.weights.half_life_days": (90.0, None),
}


def test_values_are_others_and_comments_stay():
    text = tuned_text(OWN, CHANGES, ["A note."])

    assert tomllib.loads(text) == {
        "storage": {"data": "data"},
        "learning": {
            "k": 7,
            "recommenders": {
                "als": {"factors": 64, "iterations": 15},
                "ease": {"regularization": 512.0},
            },
            "likes": {"lowest_weight": 0.5, "weights": {}},
        },
    }
    for line in ("# Ours.", 'data = "data"  # here', "k = 7  # short lists", "factors = 64  # few"):
        assert line in text.splitlines()


def test_the_head_says_what_changed_and_why():
    head = tuned_text(OWN, CHANGES, ["A note.", "word " * 40]).partition("\n\n")[0].splitlines()

    assert head[0] == "# Written by `recsys tune`."
    assert "#   learning.recommenders.ease.regularization: auto → 512" in head
    assert "#   learning.likes.weights.half_life_days: 90 → none" in head
    assert "# A note." in head
    assert all(line.startswith("#") and len(line) <= 100 for line in head)


def test_tuning_tuned_settings_says_only_the_newest():
    once = tuned_text(OWN, {"recommenders.als.factors": (16, 64)}, ["Old note."])
    twice = tuned_text(once, {"recommenders.als.factors": (64, 80)}, ["New note."])

    assert "Old note." not in twice
    assert twice.endswith(OWN.replace("factors = 16", "factors = 80"))


@pytest.mark.parametrize(
    "own",
    [
        "",
        "[learning]\nrecommenders.als.factors = 3\n[ui]\ndagster_port = 3000\n",
        "[learning]\nrecommenders = { als = { factors = 3 } }\n",
        "[learning.likes]\nmin_rating = 3\n[ui]\ndagster_port = 1\n[learning.recommenders]\n",
        'learning.k = 3\nlearning.likes.positive = "all"\n',
    ],
)
def test_however_the_file_is_written_only_the_changes_are_new(own):
    wanted = tomllib.loads(own)
    learning = wanted.setdefault("learning", {})
    recommenders = learning.setdefault("recommenders", {})
    recommenders.setdefault("als", {})["factors"] = 64
    recommenders.setdefault("ease", {})["regularization"] = 512.0
    learning.setdefault("likes", {})["lowest_weight"] = 0.5
    learning["likes"].setdefault("weights", {})

    assert tomllib.loads(tuned_text(own, CHANGES, [])) == wanted


def test_what_is_written_is_read(tmp_path: Path):
    own = tmp_path / "recsys.toml"
    own.write_text(OWN, encoding="utf-8")
    target = tmp_path / TUNED_FILE

    text = write_tuned(target, own, CHANGES, [])

    assert target.read_text(encoding="utf-8") == text
    before, after = load_settings(own), load_settings(target)
    assert after.learning.recommenders.als.factors == 64
    assert after.learning.likes.weights.half_life_days is None
    assert after.root == before.root
    assert sorted(path.name for path in tmp_path.iterdir()) == [own.name, target.name]


def test_settings_that_are_not_valid_are_never_left_there(tmp_path: Path):
    with pytest.raises(SettingsError, match="factors"):
        write_tuned(tmp_path / TUNED_FILE, None, {"recommenders.als.factors": (16, -1)}, [])

    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path: Path):
    (tmp_path / TUNED_FILE).mkdir()

    with pytest.raises(SetupError, match="cannot be written"):
        write_tuned(tmp_path / TUNED_FILE, None, CHANGES, [])


def test_the_users_own_files_are_left_alone(tmp_path: Path):
    own, other = tmp_path / "recsys.toml", tmp_path / "other.toml"
    own.write_text(OWN, encoding="utf-8")
    other.write_text(OWN, encoding="utf-8")

    with pytest.raises(SettingsError, match="holds your own settings"):
        check_target(own, own, tmp_path)
    with pytest.raises(SettingsError, match="holds your own settings"):
        check_target(own, None, tmp_path)
    with pytest.raises(SettingsError, match="was not written by `recsys tune`"):
        check_target(other, own, tmp_path)
    with pytest.raises(SettingsError, match="does not lie beside"):
        check_target(tmp_path / "below" / TUNED_FILE, own, tmp_path)
    write_tuned(tmp_path / TUNED_FILE, own, {}, [])
    check_target(tmp_path / TUNED_FILE, own, tmp_path)
