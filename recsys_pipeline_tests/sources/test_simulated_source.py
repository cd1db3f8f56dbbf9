"""The simulated world as a source."""

import pandas as pd
from pandas.testing import assert_frame_equal

from recsys_pipeline.contracts import SOURCE_TABLES
from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation import World, WorldConfig
from recsys_pipeline.sources import SimulatedSource

CONFIG = WorldConfig(users=20, movies=10, interactions=100)


def test_tables_are_those_of_the_world_with_provenance() -> None:
    tables = SimulatedSource(CONFIG).read()
    for contract in SOURCE_TABLES:
        frame = tables.table(contract.name)
        assert frame[n.SOURCE_ROW].tolist() == list(range(1, len(frame) + 1))
        assert frame[n.SOURCE_FILE].unique().tolist() == ["simulated world"]
    expected = World(CONFIG).movies()
    assert_frame_equal(tables.movies.drop(columns=[n.SOURCE_FILE, n.SOURCE_ROW]), expected)


def test_the_world_ends_at_as_of() -> None:
    source = SimulatedSource(CONFIG)
    whole = source.read().interactions[n.TIMESTAMP]
    assert source.newest_event() == whole.max()
    as_of = pd.Timestamp("2023-06-01", tz="UTC")
    cut = source.read(as_of).interactions[n.TIMESTAMP]
    assert cut.tolist() == whole[whole <= as_of].tolist()
    assert source.newest_event(as_of) == cut.max()
    assert source.newest_event(pd.Timestamp("2022-06-01", tz="UTC")) is None


def test_fingerprint_and_description_follow_the_config() -> None:
    source, same = SimulatedSource(CONFIG), SimulatedSource(CONFIG)
    other = SimulatedSource(CONFIG.model_copy(update={"seed": 7}))
    assert source.fingerprint() == same.fingerprint() != other.fingerprint()
    assert "20 users" in source.description
