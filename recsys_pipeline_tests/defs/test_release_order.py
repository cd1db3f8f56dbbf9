"""What is served changes last of all, or not at all."""

import pandas as pd
import pytest

from recsys_pipeline.contracts import TOP_N
from recsys_pipeline.defs.io import TableIOManager, remove_unfinished
from recsys_pipeline.defs.release import CHALLENGER, CHAMPION
from recsys_pipeline.errors import ReleaseError

LATER = pd.Timestamp("2024-01-07", tz="UTC")


def test_lists_that_cannot_be_written_change_nothing(install, monkeypatch):
    installation = install("a")
    before = installation.run().release["release"]
    write = TableIOManager.dump_to_path

    def full_disk(self, context, obj, path):
        if TOP_N.name in context.asset_key.path:
            raise OSError(28, "No space left on device")
        write(self, context, obj, path)

    monkeypatch.setattr(TableIOManager, "dump_to_path", full_disk)
    with pytest.raises(RuntimeError, match="No space left"):
        installation.run(as_of=LATER)

    fakes = installation.fakes
    assert fakes.store.current().release == before
    assert fakes.tracker.runs[fakes.store.current().tracking_run].status == "FINISHED"
    assert fakes.tracker.aliases[CHAMPION] == fakes.store.current().model_version


def test_a_pointer_that_leads_nowhere_is_written_anew(install, monkeypatch):
    installation = install("a")
    installation.run()
    store = installation.fakes.store
    read, lost = store.current, [True]

    def current():
        if lost[0]:
            raise ReleaseError("current.json cannot be read.")
        return read()

    def advance(release, opponent, advance=store.advance):
        moved = advance(release, opponent)
        lost[0] = False
        return moved

    monkeypatch.setattr(store, "current", current)
    monkeypatch.setattr(store, "advance", advance)
    result = installation.run(as_of=LATER)

    assert store.current().release == result.release["release"]


def test_the_alias_is_that_of_the_release_in_service(install):
    """A repeated run registers a model, but the release that stands was made with the first."""
    installation = install("a")
    installation.run()
    installation.run()
    fakes = installation.fakes

    assert len(fakes.tracker.versions) == 2
    assert fakes.tracker.aliases == {CHAMPION: fakes.store.current().model_version}


def test_a_replay_is_a_challenger(install):
    installation = install("a")
    newest = installation.run(as_of=LATER)
    replay = installation.run()
    fakes = installation.fakes

    assert fakes.store.current().release == newest.release["release"]
    assert not replay.release["promoted"]
    assert fakes.tracker.aliases[CHAMPION] == newest.release["model_version"]
    assert fakes.tracker.aliases[CHALLENGER] == replay.release["model_version"]


def test_what_a_killed_run_left_is_removed(install):
    installation = install("a")
    assets = installation.settings.data / "assets"
    installation.run()
    whole = sorted(assets.rglob("*.parquet"))
    (assets / "top_n" / ".2023-12-25.parquet.0f.tmp").write_bytes(b"half")
    (assets / "trained_model" / ".2023-12-25.0f.tmp" / "released").mkdir(parents=True)

    remove_unfinished(assets)

    assert not list(assets.rglob(".*.tmp"))
    assert sorted(assets.rglob("*.parquet")) == whole
