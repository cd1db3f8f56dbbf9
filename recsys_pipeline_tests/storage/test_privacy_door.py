"""The privacy of an installation: its key, and that no database is made for nothing."""

from datetime import UTC, datetime

import pandas as pd
import pytest
from pydantic import SecretStr

from recsys_pipeline.commands.doctor import examine
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SetupError
from recsys_pipeline.pipeline.erasure import ErasureStore
from recsys_pipeline.pipeline.privacy_gone import NOBODY
from recsys_pipeline.pipeline.serving_config import PrivacyConfig
from recsys_pipeline.settings import Settings, SourceSettings
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import SimulatedSource
from recsys_pipeline.storage import MemoryReleaseStore
from recsys_pipeline.storage.memory_erasures import MemoryErasureStore
from recsys_pipeline.storage.memory_state import MemoryStateStore
from recsys_pipeline.storage.privacy_door import (
    gone_of,
    key_of,
    opened_privacy,
    renew_key,
    without_erased,
)
from recsys_pipeline.storage.run_lock import run_lock

AT = datetime(2024, 5, 6, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(root=tmp_path)


def with_somebody(key_digest: str) -> ErasureStore:
    erasures = MemoryErasureStore()
    erasures.begin(key_digest, "u", AT)
    return erasures


def test_a_lost_or_other_key_stops_until_a_person_says_so(settings):
    state = MemoryStateStore()
    key = key_of(settings, MemoryErasureStore(), state)
    erasures = with_somebody(key.digest("u"))
    file = settings.root / "data" / "privacy.key"
    kept = file.read_bytes()

    assert key_of(settings, erasures, state) == key
    file.unlink()
    with pytest.raises(SetupError, match="privacy key"):
        key_of(settings, erasures, state)
    file.write_text("another key, as long as one must be")
    with pytest.raises(SetupError, match="privacy key"):
        key_of(settings, erasures, state)
    file.write_bytes(kept)
    assert key_of(settings, erasures, state) == key
    file.unlink()
    renew_key(settings, state)
    assert key_of(settings, erasures, state) != key


def test_while_nobody_was_erased_another_key_is_no_matter(settings):
    state = MemoryStateStore()
    key_of(settings, MemoryErasureStore(), state)
    own = settings.model_copy(
        update={"privacy": PrivacyConfig(key=SecretStr("a key of one's own, long"))}
    )

    assert key_of(own, MemoryErasureStore(), state).secret == b"a key of one's own, long"


def test_no_database_is_made_where_nothing_has_come_in(settings, tmp_path):
    store = MemoryReleaseStore(tmp_path / "scratch")

    with opened_privacy(settings, store) as privacy:
        assert privacy is None
    assert not (tmp_path / "data").exists()

    with opened_privacy(settings, store, make=True) as privacy:
        assert privacy.erase("u", AT).done
    with opened_privacy(settings, store) as privacy:
        assert privacy.gone().holds("u")
        assert len(privacy.receipts()) == 1


def test_an_erasure_waits_for_a_run(settings, tmp_path):
    store = MemoryReleaseStore(tmp_path / "scratch")

    with opened_privacy(settings, store, make=True) as privacy:
        with run_lock(tmp_path / "data" / "run.lock", "weekly"):
            begun = privacy.erase("u", AT)
        assert not begun.done
        assert [each.done for each in privacy.resume(AT)] == [True]


def test_a_source_that_is_read_outside_a_run(settings, tmp_path):
    world = SimulatedSource(WorldConfig(users=20, movies=10, interactions=50))
    source = without_erased(settings, world)
    as_of = world.newest_event()

    assert not (tmp_path / "data").exists()
    whole = source.read(as_of)
    somebody = whole.users[n.USER_ID].iloc[3]
    with opened_privacy(settings, MemoryReleaseStore(tmp_path / "s"), make=True) as privacy:
        assert gone_of(settings) == NOBODY
        privacy.erase(str(somebody), AT)

    assert len(source.read(as_of).users) == len(whole.users) - 1
    assert gone_of(settings).holds(somebody)
    assert source.newest_event() == as_of
    assert source.description == world.description
    assert source.fingerprint() == world.fingerprint()


def test_doctor_tells_of_those_who_were_erased(settings, tmp_path):
    def told() -> list[tuple[str, str]]:
        found = examine(settings, None, pd.Timestamp("2024-01-01", tz="UTC"))
        return [(each.state, each.text) for each in found if each.subject == "erased people"]

    small = SourceSettings(simulated=WorldConfig(users=20, movies=10, interactions=50))
    settings = settings.model_copy(update={"source": small})
    assert told() == []
    with opened_privacy(settings, MemoryReleaseStore(tmp_path / "s"), make=True) as privacy:
        privacy.erase("3", AT)
        with run_lock(tmp_path / "data" / "run.lock", "weekly"):
            privacy.erase("4", AT)

    assert [state for state, _ in told()] == ["odd", "ok"]
    (tmp_path / "data" / "privacy.key").unlink()
    ((state, text),) = told()
    assert state == "broken"
    assert "privacy key" in text
