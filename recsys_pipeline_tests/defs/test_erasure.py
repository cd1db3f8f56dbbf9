"""An installation from which somebody is erased: nothing of them stays, and nobody else loses.

A run of everything: Dagster on disk, Great Expectations, MLflow and releases on disk. The person's
id is a text that stands nowhere else.
"""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from matplotlib.figure import Figure
from typer.testing import CliRunner

from recsys_pipeline.commands.privacy_app import app
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.frames import read_frame, write_frame
from recsys_pipeline.defs import evaluation_assets, instance_for, promotion_assets, run_weekly
from recsys_pipeline.defs.doors import REAL
from recsys_pipeline.defs.layout import Layout
from recsys_pipeline.defs.privacy_assets import nobody_back
from recsys_pipeline.defs.run import StepEvent
from recsys_pipeline.errors import DataError, StorageError
from recsys_pipeline.experiments.config import ExperimentsConfig
from recsys_pipeline.pipeline import tracked
from recsys_pipeline.pipeline.config import LearningConfig, RecommendersConfig
from recsys_pipeline.pipeline.online import Event, Shown
from recsys_pipeline.pipeline.privacy_gone import Gone
from recsys_pipeline.pipeline.privacy_keys import PrivacyKey
from recsys_pipeline.pipeline.serving_config import PrivacyConfig
from recsys_pipeline.quality.fake import PlainChecker
from recsys_pipeline.ranking.config import RankerConfig
from recsys_pipeline.settings import ChecksSettings, Settings, SourceSettings
from recsys_pipeline.sources import FilesConfig
from recsys_pipeline.storage import FileReleaseStore
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.events import SqlEventStore
from recsys_pipeline.storage.privacy_door import opened_privacy
from recsys_pipeline.storage.run_lock import run_lock
from recsys_pipeline.storage.user_weeks import no_user_weeks
from recsys_pipeline.tracking import MemoryTracker

pytestmark = pytest.mark.timeout(300)
"""The first test waits for a run of everything."""

WHO, OTHER = "marker-7f3a9c", "u007"
AT = datetime(2024, 2, 1, tzinfo=UTC)
AS_OF = pd.Timestamp("2023-12-31T12:00:00", tz="UTC").as_unit("us")
WEEK = "2023-12-25"


def write_source(folder: Path) -> None:
    """Sixty users, of whom the person has rows at fault too; times up to the end of 2023."""
    rng = np.random.default_rng(3)
    users = [f"u{number:03d}" for number in range(59)] + [WHO]
    seconds = rng.integers(0, 200 * 86_400, 900)
    events = pd.DataFrame(
        {
            n.USER_ID: rng.choice(users, 900),
            n.MOVIE_ID: rng.integers(1, 41, 900),
            n.TIMESTAMP: pd.Timestamp("2023-06-10") + pd.to_timedelta(seconds, unit="s"),
            n.LIKED: rng.integers(0, 2, 900),
            n.RATING: rng.uniform(1, 5, 900).round(1),
        }
    ).drop_duplicates([n.USER_ID, n.MOVIE_ID], ignore_index=True)
    theirs = events.index[events[n.USER_ID] == WHO]
    events.loc[theirs[:2], n.RATING] = 99
    profiles = pd.DataFrame({n.USER_ID: [*users, WHO], n.AGE: [*rng.integers(16, 80, 60), 400]})
    movies = pd.DataFrame(
        {
            n.MOVIE_ID: range(1, 41),
            n.TITLE: [f"Movie {number}" for number in range(40)],
            n.GENRES: rng.choice(["Drama", "Comedy"], 40),
        }
    )
    for name, frame in (("interactions", events), ("users", profiles), ("movies", movies)):
        frame.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%dT%H:%M:%SZ")


def settings_of(root: Path) -> Settings:
    """The files, one recommender beside the baselines, no ranker, and a holdout with its lists."""
    paths = {name: {"path": f"{name}.csv"} for name in ("users", "movies", "interactions")}
    return Settings(
        root=root,
        source=SourceSettings(kind="files", files=FilesConfig.model_validate(paths)),
        checks=ChecksSettings(allowed_share=0.5),
        learning=LearningConfig(
            k=5,
            recommenders=RecommendersConfig(use=("item_knn",)),
            ranker=RankerConfig(kind="none", compare_forest=False),
        ),
        experiments=ExperimentsConfig(holdout=0.1),
    )


def post(settings: Settings) -> None:
    """What came in through the API of the person and of another one."""
    database = database_of(settings)
    store = SqlEventStore(database)
    for user in (WHO, OTHER):
        store.add_events([Event(f"e-{user[:4]}", user, "3", "view", AT, AT)])
        store.add_shown([Shown(f"r-{user[:4]}", user, AT, "r", "fresh", "[3]")])
    database.close()


def run(settings: Settings, makers=REAL, **options) -> list[str]:
    """A run in which nothing is drawn; what its steps said."""
    said: list[str] = []

    def tell(event: StepEvent) -> None:
        said.append(event.text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setattr(evaluation_assets, "figures_of", lambda *_: {})
        for module in (promotion_assets, tracked):
            patch.setattr(module, "decision_figure", lambda _: Figure())
        patch.setattr(Figure, "savefig", lambda *_, **__: None)
        with instance_for(settings.root) as instance:
            run_weekly(settings, AS_OF, instance=instance, makers=makers, on_event=tell, **options)
    return said


FAKES = replace(REAL, checker=lambda _: PlainChecker(), tracker=lambda _: MemoryTracker())
"""Releases and privacy are real; what checks and tracks is not, as it costs seconds."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> Path:
    """The folder of an installation after its first run."""
    root = tmp_path_factory.mktemp("erasure") / "shop"
    root.mkdir()
    write_source(root)
    settings = settings_of(root)
    run(settings)
    post(settings)
    active = pd.DataFrame({n.USER_ID: [WHO, OTHER]}).reindex(columns=no_user_weeks().columns)
    week = root / "data" / "assets" / "online_activity" / f"{WEEK}.parquet"
    write_frame(active.astype(no_user_weeks().dtypes), week)
    (root / ".dagster" / "errors.log").write_text(f"KeyError: {WHO!r}\n")
    page = root / "data" / "data_docs" / "validations" / "unexpected.html"
    page.write_text(f"<td>{WHO}</td>")
    return root


@pytest.fixture
def settings(ran: Path, tmp_path: Path) -> Settings:
    """A copy of that installation: what is done there stays there."""
    shutil.copytree(ran, tmp_path / "shop")
    return settings_of(tmp_path / "shop")


def opened(settings: Settings):
    return opened_privacy(settings, FileReleaseStore(settings.data / "releases"), make=True)


def holds(content: object) -> bool:
    return WHO in str(content)


def traces(root: Path) -> list[str]:
    """Every file of the installation in which the person is: by bytes, rows of tables, names."""
    found = []
    for folder in ("data", ".dagster", "mlruns"):
        for path in (each for each in (root / folder).rglob("*") if each.is_file()):
            content = path.read_bytes()
            there = WHO.encode() in content or holds(path)
            if content.startswith(b"PAR1"):
                frame = read_frame(BytesIO(content))
                there |= any(map(holds, frame.itertuples(index=False)))
            if content.startswith(b"SQLite format 3"):
                there |= any(map(holds, rows_in(path)))
            if there:
                found.append(path.relative_to(root).as_posix())
    return sorted(found)


def rows_in(path: Path) -> list[object]:
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        return [
            tuple(row)
            for table in tables
            for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"').fetchall()
        ]


def others(settings: Settings) -> dict[str, pd.DataFrame]:
    """What is stored of everybody else, by file."""
    found = {}
    for path in sorted((settings.root / "data").rglob("*.parquet")):
        frame = read_frame(path)
        if n.USER_ID in frame.columns:
            kept = frame[frame[n.USER_ID] != WHO]
        elif n.ROW in frame.columns:
            kept = frame.loc[[not holds(row) for row in frame[n.ROW]]]
        else:
            continue
        found[str(path.relative_to(settings.root))] = kept.reset_index(drop=True)
    return found


def assert_same(before: dict[str, pd.DataFrame], after: dict[str, pd.DataFrame]) -> None:
    assert set(before) == set(after)
    for name in before:
        pd.testing.assert_frame_equal(before[name], after[name])


def events_of(settings: Settings, user: str) -> tuple[int, int]:
    database = database_of(settings)
    try:
        store = SqlEventStore(database)
        return len(store.events_of(user)), len(store.shown_to(user))
    finally:
        database.close()


def test_nothing_of_a_person_stays_and_nobody_else_loses(settings, ran):
    before = others(settings)
    there = traces(settings.root)
    for place in ("data/assets/quarantine", "data/assets/top_n", "data/assets/online_activity",
                  "data/releases", "data/events.db", "data/data_docs",
                  ".dagster/errors.log"):  # fmt: skip
        assert any(path.startswith(place) for path in there), place

    with opened(settings) as privacy:
        exported = privacy.export(WHO, AT)
        erased = privacy.erase(WHO, AT)
        receipts = json.dumps(privacy.receipts())

    assert traces(settings.root) == []
    assert_same(before, others(settings))
    assert events_of(settings, WHO) == (0, 0)
    assert events_of(settings, OTHER) == (1, 1)
    store = FileReleaseStore(settings.data / "releases")
    current = store.current()
    assert store.verify(current.release) == []
    assert current.erased == 1
    # Everything was told before, and what was removed is counted.
    assert len(exported["tables"]["quarantine"]) == 3
    tables = {"users", "interactions", "mapped_users", "top_n", "online_activity"}
    assert tables <= set(exported["tables"])
    held = exported["releases"]["held"][exported["releases"]["in_service"]]
    assert all(row[n.REASON] for row in held["list"])
    assert held["profile"]
    assert len(exported["events"]["events"]) == len(exported["events"]["answers_shown"]) == 1
    assert ".dagster/errors.log" in str(exported["files"])
    steps = {step["step"]: step["removed"] for step in erased.receipt["steps"]}
    assert steps["events"] == {"events": 1, "shown": 1}
    # In service, and the holdout's.
    assert (steps["releases"]["releases"], steps["releases"]["top_n"]) == (2, 10)
    assert (steps["files"]["logs"], steps["files"]["pages"]) == (1, 1)
    assert not holds(receipts)


def test_the_next_run_finishes_what_waits_and_brings_nobody_back(settings, ran):
    """It also removes what is old."""
    before = FileReleaseStore(settings.data / "releases").read_lists(current_id(settings))
    users = settings.root / "data" / "assets" / "users"
    for week in ("2023-12-04", "2023-12-11", "2023-12-18"):
        shutil.copy(users / f"{WEEK}.parquet", users / f"{week}.parquet")
    few = settings.model_copy(
        update={"privacy": PrivacyConfig(weeks=2, shown_days=30, events_days=None)}
    )
    with opened(settings) as privacy, run_lock(settings.root / "data" / "run.lock", "other"):
        assert not privacy.erase(WHO, AT).done

    said = run(few, FAKES)

    assert "rows of an erased user left out" in said
    assert traces(settings.root) == []
    lists = FileReleaseStore(settings.data / "releases").read_lists(current_id(settings))
    assert set(lists[n.USER_ID]) == set(before[n.USER_ID]) - {WHO}
    assert WHO in (settings.root / "users.csv").read_text()
    with opened(settings) as privacy:
        assert len(privacy.receipts()) == 1
    assert sorted(path.stem for path in users.iterdir()) == ["2023-12-18", WEEK]
    # Posted in 2024: older than 30 days wherever the clock stands.
    assert events_of(settings, OTHER) == (1, 0)


def current_id(settings: Settings) -> str:
    return FileReleaseStore(settings.data / "releases").current().release


PLACES = ("tables", "releases", "files", "events", "caches", "elsewhere")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_death_at_any_step_ends_the_same(settings, ran, monkeypatch, place, when):
    before = others(settings)
    with opened(settings) as privacy:
        assert [each.name for each in privacy.places] == list(PLACES)
        (dies,) = (each for each in privacy.places if each.name == place)
        erase = type(dies).erase

        def broken(self, user):
            if when == "after":
                erase(self, user)
            raise StorageError("the power is gone")

        with monkeypatch.context() as patch:
            patch.setattr(type(dies), "erase", broken)
            with pytest.raises(StorageError):
                privacy.erase(WHO, AT)
    with opened(settings) as privacy:
        (done,) = privacy.resume(AT)

        assert done.done
        assert privacy.erasures.open_jobs() == []
    assert traces(settings.root) == []
    assert_same(before, others(settings))
    assert events_of(settings, OTHER) == (1, 1)


def test_a_table_with_somebody_who_was_erased_stops_the_run():
    key = PrivacyKey(b"0123456789abcdef")
    digests = frozenset({key.digest(WHO)})
    doors = SimpleNamespace(gone=Gone(key, digests, digests))
    layout = Layout.of(settings_of(Path()), [])
    there, not_there = (pd.DataFrame({n.USER_ID: ids}) for ids in (["a", WHO], ["a"]))

    checked = nobody_back(layout, doors, {"users": there, "top_n": not_there})

    assert [(next(checked).passed, next(checked).passed)] == [(False, True)]
    with pytest.raises(DataError, match="1 in users"):
        next(checked)
    assert all(each.passed for each in nobody_back(layout, doors, {"users": not_there}))


def test_the_command_line(settings, ran, tmp_path):
    (settings.root / "recsys.toml").write_text("")
    file = ["--settings", str(settings.root / "recsys.toml")]
    call = CliRunner().invoke

    told = call(app, ["export", WHO, *file, "--to", str(tmp_path / "all.json")])
    assert told.exit_code == 0, told.output
    assert json.loads((tmp_path / "all.json").read_text())["tables"]["users"]
    assert not holds(call(app, ["receipts", *file]).output)
    assert call(app, ["erase", WHO, *file], input="n\n").exit_code == 1
    assert WHO in (settings.root / "data" / "data_docs" / "validations" / "unexpected.html"
                   ).read_text()  # fmt: skip
    erased = call(app, ["erase", WHO, "--yes", "--json", *file])
    assert json.loads(erased.output)["steps"]
    assert traces(settings.root) == []
    assert json.loads(call(app, ["receipts", "--json", *file]).output)[0]["number"] == 1
    assert "Receipt 1" in call(app, ["receipts", *file]).output
    assert "finished" in call(app, ["resume", *file]).output
    assert call(app, ["new-key", "--yes", *file]).exit_code == 0
