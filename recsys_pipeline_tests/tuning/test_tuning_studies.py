"""What any study promises, the fake and the real one alike."""

import math
from pathlib import Path

import pytest

from recsys_pipeline.errors import SetupError
from recsys_pipeline.pipeline.search_space import Numbers, Options
from recsys_pipeline.tuning import OptunaStudies
from recsys_pipeline.tuning import optuna_studies as real

KNOBS = {
    "ridge": Numbers(0.1, 1_000, log=True),
    "share": Numbers(0.2, 1),
    "bins": Numbers(3, 12, whole=True),
    "kind": Options(("bm25", "cosine", None)),
}


def worth(values) -> float:
    """Largest, 1, at ridge = 10 and share = 0.5 with bm25."""
    kind = 0.0 if values["kind"] == "bm25" else 0.2
    return 1 - abs(math.log10(values["ridge"]) - 1) / 4 - (values["share"] - 0.5) ** 2 - kind


def search(study, trials: int) -> list[dict]:
    proposed = []
    for _ in range(trials):
        asked = study.ask()
        proposed.append(dict(asked.values))
        study.tell(asked, worth(asked.values))
    return proposed


def test_proposals_lie_in_their_ranges(reopened):
    for values in search(reopened().open("a", KNOBS, 1), 6):
        assert set(values) == set(KNOBS)
        assert all(knob.holds(values[key]) for key, knob in KNOBS.items()), values


def test_the_same_seed_proposes_the_same_in_one_session_or_two(reopened):
    whole = search(reopened().open("whole", KNOBS, 1), real.RANDOM_FIRST + 2)
    first = search(reopened().open("parts", KNOBS, 1), 4)
    second = search(reopened().open("parts", KNOBS, 1), real.RANDOM_FIRST - 2)

    assert first + second == whole
    assert len({str(values) for values in whole}) > 8
    assert search(reopened().open("other", KNOBS, 2), 3) != whole[:3]


def test_what_was_tried_is_kept_in_order(reopened):
    study = reopened().open("a", KNOBS, 1)
    known = {"ridge": 10.0, "share": 0.5, "bins": 6, "kind": "bm25"}
    study.know(known, [0.7, 0.8, 0.9])
    told, given_up = study.ask(), study.ask()
    study.give_up(given_up)
    study.tell(told, 0.25)

    found = reopened().open("a", KNOBS, 1).tried()

    assert [each.number for each in found] == [0, 1, 2]
    assert [each.figure for each in found] == [0.9, 0.25, None]
    assert found[0].values == known
    assert found[1].values == told.values
    assert (told.number, given_up.number) == (1, 2)


def test_a_trial_below_the_median_is_broken_off_once_there_is_one(reopened):
    study = reopened().open("a", KNOBS, 1)
    for number in range(5):
        asked = study.ask()
        assert study.report(asked, 0, number / 10)
        study.tell(asked, number / 10)
    better, worse = study.ask(), study.ask()

    assert study.report(better, 0, 0.2)
    assert not study.report(worse, 0, 0.19)
    study.tell(better, 0.3)

    assert [each.figure for each in study.tried()[-2:]] == [0.3, None]


def test_names_are_apart_and_fresh_forgets(reopened):
    studies = reopened()
    search(studies.open("a", KNOBS, 1), 2)

    assert len(studies.open("b", KNOBS, 1).tried()) == 0
    assert len(studies.open("a", KNOBS, 1).tried()) == 2
    assert len(studies.open("a", KNOBS, 1, fresh=True).tried()) == 0


@pytest.mark.parametrize("content", [b"not a database", b"\0" * 100])
def test_a_file_of_another_kind(tmp_path: Path, content: bytes):
    (tmp_path / "study.db").write_bytes(content)

    with pytest.raises(SetupError, match=r"study\.db cannot be used: it is not an SQLite") as told:
        OptunaStudies(tmp_path)

    assert "Move the file away" in told.value.hint
    assert (tmp_path / "study.db").read_bytes() == content


def test_without_optuna_it_says_how_to_install_it(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(real, "find_spec", lambda name: None)

    assert not real.installed()
    with pytest.raises(SetupError, match="needs Optuna") as told:
        OptunaStudies(tmp_path / "tuning")

    assert told.value.exit_code == 7
    assert "pip install recsys-pipeline[tuning]" in told.value.hint
    assert not (tmp_path / "tuning").exists()
