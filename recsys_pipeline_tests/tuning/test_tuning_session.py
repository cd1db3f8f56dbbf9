"""A session from the source to the file, with the fakes of every door."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from recsys_pipeline.errors import SetupError
from recsys_pipeline.evaluation.intervals import Interval
from recsys_pipeline.pipeline.search_space import changed
from recsys_pipeline.pipeline.tuning import Finding, Tuned
from recsys_pipeline.pipeline.tuning_config import TuningConfig
from recsys_pipeline.settings import Settings, load_settings
from recsys_pipeline.storage.sources import build_source
from recsys_pipeline.tracking import MemoryTracker
from recsys_pipeline.tuning import TUNED_FILE, MemoryStudies, Session, tune_here, tuning_folder
from recsys_pipeline.tuning import session as session_module


@dataclass
class Here:
    """One installation and its sessions."""

    settings: Settings
    tracker: MemoryTracker
    studies: MemoryStudies

    def tune(self, key: str = "first", original: Path | None = None, **options) -> Session:
        source = build_source(self.settings)
        return tune_here(
            self.settings,
            TuningConfig(trials=2),
            source,
            self.tracker,
            self.studies,
            source.newest_event(),
            key=key,
            original=original,
            target=self.settings.root / TUNED_FILE,
            clock=lambda: 0.0,
            progress=lambda line: None,
            **options,
        )


@pytest.fixture
def here(installation: Settings) -> Here:
    return Here(installation, MemoryTracker(), MemoryStudies())


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict], None]:
    """Replaces the search by one that finds these changes."""

    def replace(changes: dict) -> None:
        def tune(learning, budget, **_):
            interval = Interval(0.01, 0.005, 0.015, 80)
            finding = Finding("taste", "auc", 0.7, 0.71, interval, changes, 5, 1)
            values = {key: new for key, (_, new) in changes.items()}
            return Tuned(changed(learning, values), (finding,), 4, 1.0, False)

        monkeypatch.setattr(session_module, "tune", tune)

    return replace


def test_every_trial_is_a_nested_run_of_the_session(here):
    session = here.tune()

    parent = here.tracker.runs[session.run_id]
    children = [run for run in here.tracker.runs.values() if run.parent_id == parent.run_id]
    assert parent.name == "tuning 2023-12-31"
    assert parent.status == "FINISHED"
    assert parent.metrics["trials"] == session.tuned.trials == 2
    assert len(parent.params["data_fingerprint"]) == 64
    assert parent.datasets["tables"]["profile"]["rows"]["users"] == 80
    assert [run.name for run in children] == [
        f"segment_popularity {number:03d}" for number in range(1, 3)
    ]
    for run in children:
        assert run.status == "FINISHED"
        assert set(run.params) > {"recommender", "recommenders.segment_popularity.prior_likes"}
        assert np.isfinite(run.metrics["auc"])
    assert "segment_popularity/before" in parent.metrics


def test_a_second_session_goes_on_where_the_first_ended(here):
    first, second = here.tune("first"), here.tune("second")

    names = [run.name for run in here.tracker.runs.values() if run.parent_id == second.run_id]
    assert names == [f"segment_popularity {number:03d}" for number in range(3, 5)]
    assert second.tuned.findings[0].trials == first.tuned.findings[0].trials + 2
    assert second.tuned.findings[0].after >= first.tuned.findings[0].after
    fresh = here.tune("third", fresh=True)
    assert fresh.tuned == first.tuned


def test_what_was_found_is_written_and_kept_with_the_run(here, finds):
    finds({"recommenders.taste.bins": (6, 9)})

    session = here.tune()

    assert session.written == here.settings.root / TUNED_FILE
    assert load_settings(session.written).learning.recommenders.taste.bins == 9
    text = session.written.read_text(encoding="utf-8")
    assert here.tracker.runs[session.run_id].texts[TUNED_FILE] == text
    assert "AUC 0.7000 → 0.7100, difference +0.0100" in text.replace("\n#", "")
    assert "recsys run --settings recsys.tuned.toml" in text
    assert session.link.endswith(session.run_id)


def test_the_tracker_gets_no_password_and_no_id_of_a_user(here, finds):
    finds({"recommenders.taste.bins": (6, 9)})
    own = here.settings.root / "recsys.toml"
    own.write_text(
        '[tracking]\nuri = "http://me:secret@host"\n[learning.rules]\nblocked_users = [90001]\n',
        encoding="utf-8",
    )

    session = here.tune(original=own)

    text = here.tracker.runs[session.run_id].texts[TUNED_FILE]
    assert "http://***@host" in text
    assert "blocked_users = 1\n" in text
    assert "90001" not in text
    written = session.written.read_text(encoding="utf-8")
    assert "http://me:secret@host" in written
    assert "blocked_users = [90001]" in written


def test_nothing_found_is_nothing_written(here, finds):
    finds({})

    assert here.tune().written is None
    assert not (here.settings.root / TUNED_FILE).exists()


def test_one_session_at_a_time(here):
    folder = tuning_folder(here.settings)
    folder.mkdir(parents=True)

    with FileLock(folder / "session.lock"), pytest.raises(SetupError, match="Another session"):
        here.tune()

    assert here.tracker.runs == {}


def test_a_session_that_fails_says_so_in_the_tracker(here, monkeypatch):
    def fail(**_):
        raise ZeroDivisionError

    monkeypatch.setattr(session_module, "tune", fail)

    with pytest.raises(ZeroDivisionError):
        here.tune()

    assert [run.status for run in here.tracker.runs.values()] == ["FAILED"]


def test_studies_of_a_remote_data_folder_lie_beside_the_settings(installation, tmp_path: Path):
    storage = installation.storage.model_copy(update={"data": "s3://bucket/x"})
    remote = installation.model_copy(update={"storage": storage})

    assert tuning_folder(remote) == tmp_path / "data" / "tuning"
    assert tuning_folder(installation) == tmp_path / "data" / "tuning"
