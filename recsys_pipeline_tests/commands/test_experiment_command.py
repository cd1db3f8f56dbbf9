"""`recsys experiment` and `recsys report` as a user types them; nobody has to train anything."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.commands.experiments import _line, arm_of, winner_of
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.frames import write_frame
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.experiments.assignment import recipe_key
from recsys_pipeline.experiments.results import (
    Effect,
    ExperimentResult,
    Guardrail,
    Planned,
    SampleRatio,
    to_json,
)
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.experimenting import experiment_of
from recsys_pipeline.pipeline.protocols import LISTS, RECIPE, Manifest
from recsys_pipeline.pipeline.recipes import recipe_fingerprint, recipe_json
from recsys_pipeline.pipeline.reports import EXPERIMENTS, REPORT_HTML, REPORT_MARKDOWN
from recsys_pipeline.settings import load_settings
from recsys_pipeline.storage import FileReleaseStore, MemoryReleaseStore
from recsys_pipeline.storage.reports import FileReportStore
from recsys_pipeline.storage.user_weeks import ONLINE_ACTIVITY, no_user_weeks

RELEASE = "2024-01-07-aaaaaaaa"
EASE = LearningConfig(primary="ease")
EFFECT = Effect("click_through", "new", 0.1, 0.12, 0.02, 0.01, 0.03, 0.2, 0.1, 0.3, 0.001,
                510, 490, 0.4)  # fmt: skip
RESULT = ExperimentResult(
    "trial", "click_through", "2024-01-01", "2024-01-15", 2, 0.05, ("control", "new"), (),
    (EFFECT,), (),
    SampleRatio({"control": 510, "new": 490}, {"control": 500, "new": 500}, 1, False),
    (Guardrail("watch_minutes", "new", 0.01, 0.05, False, "Watch time holds."),),
    "better", "new", "The arm new gets 20 % more clicks.", Planned(0.05, 0.04, 6, 900, 2, 0.8),
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "recsys.toml").write_text("[learning]\nk = 5\n")
    return tmp_path


@pytest.fixture
def start(call, folder):
    def once(*more: str):
        return call(folder, "experiment", "start", "trial", "--arm", "control", *more)

    return once


def put_release(store, learning=EASE) -> None:
    manifest = Manifest(RELEASE, "", "s", "d", "e", "ease", 5, {}, {}, "yes", {})
    manifest = replace(manifest, recipe_fingerprint=recipe_fingerprint(learning))
    store.publish(manifest, {LISTS: b"PAR1", RECIPE: recipe_json(learning)})


def report(folder: Path, *results: ExperimentResult, week: str = "2024-01-15") -> None:
    files = {
        REPORT_MARKDOWN: f"# The week up to {week}\n\n[REC] is fine.".encode(),
        REPORT_HTML: b"<p>fine</p>",
        EXPERIMENTS: to_json(results).encode(),
    }
    FileReportStore(folder / "data" / "reports").put(week, files)


def test_from_the_start_to_the_end_of_an_experiment(call, folder, start):
    assert "There is no experiment yet" in call(folder, "experiment", "list").text
    begun = start(
        "--arm", "new=primary=ease,reranking.exploration_slots=2", "--share", "0.5", "--weights",
        "1,3", "--guardrail", "watch_minutes=0.1", "--segment", "young", "--ends", "2099-01-01",
        "--json",
    ).json  # fmt: skip
    assert begun["arms"][1]["learning"] == {
        "primary": "ease",
        "reranking": {"exploration_slots": 2},
    }
    assert [arm["weight"] for arm in begun["arms"]] == [1, 3]
    assert begun["eligible"]["segments"] == ["young"]
    assert begun["guardrails"] == [{"metric": "watch_minutes", "most_loss": 0.1}]
    assert begun["starts"]

    (listed,) = call(folder, "experiment", "list", "--json").json
    assert (listed["state"], listed["verdict"]) == ("waits for lists of new", None)
    arm = begun["arms"][1]["learning"]
    store = FileReleaseStore(folder / "data" / "releases")
    put_release(store)
    store.promote(RELEASE)
    store.arm(recipe_key(arm), RELEASE)
    assert call(folder, "experiment", "list", "--json").json[0]["state"] == "runs"
    told = call(folder, "experiment", "stop", "trial", "--arm", "new", "--why", "fewer clicks")
    assert told.text == "Arm new of experiment trial is stopped."
    shown = call(folder, "experiment", "show", "trial").text
    assert 'new (stopped): primary = "ease", reranking.exploration_slots = 2' in shown
    assert "fewer clicks" in shown
    assert call(folder, "experiment", "stop", "trial").code == 0
    assert call(folder, "experiment", "list", "--json").json[0]["state"].startswith("stopped on")


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ((), 2, "at least 2 items"),
        (("--arm", "new=primry=ease"), 2, "Did you mean 'primary'?"),
        (("--arm", "new=primary=eaze"), 2, "learning.primary"),
        (("--arm", "new=seed=7"), 2, "do not change what is recommended"),
        (("--arm", "new=primary"), 2, "'primary' cannot be read"),
        (("--arm", "new=k=3,k.x=4"), 2, "a value and a group"),
        (("--arm", "old=release=2023"), 6, "No whole release begins with"),
        (("--arm", "new=primary=ease", "--weights", "1"), 2, "are not 2 numbers"),
        (("--arm", "new=primary=ease", "--metric", "clics"), 2, "metric"),
        (("--arm", "new=primary=ease", "--guardrail", "clicks=lots"), 2, "--guardrail"),
        (("--arm", "new=primary=ease", "--ends", "soon"), 2, "ends"),
    ],
)
def test_a_mistake_starts_nothing(call, folder, start, more, code, said):
    told = start(*more)
    assert (told.code, said in told.text) == (code, True), told.text
    assert "→" in told.err
    assert call(folder, "experiment", "list", "--json").json == []


def test_what_was_found_is_shown(call, folder, start):
    start("--arm", "new=primary=ease")
    assert "Nothing is known yet" in call(folder, "experiment", "show", "trial").text
    report(folder, RESULT)
    shown = call(folder, "experiment", "show", "trial").text
    for text in ("better", "20 % more clicks", "+20.0%", "+30.0%", "1,000", "Watch time holds"):
        assert text in shown
    found = call(folder, "experiment", "show", "trial", "--json").json
    assert found["result"]["winner"] == "new"
    assert call(folder, "experiment", "list", "--json").json[0]["verdict"] == "better"
    assert call(folder, "experiment", "show", "trail").code == 2


def trial(*arms):
    return experiment_of({"name": "trial", "arms": [{"name": "control"}, *arms]})


def test_only_a_better_arm_is_promoted_unless_anyway(tmp_path):
    store = MemoryReleaseStore(tmp_path)
    changes = {"primary": "ease", "reranking": {"exploration_slots": 2}}
    given = trial({"name": "new", "learning": changes})
    unsure = replace(RESULT, verdict="no difference yet", winner="")
    for result, arm in ((None, None), (unsure, None), (unsure, "new"), (RESULT, "control")):
        with pytest.raises(SettingsError, match="surely better") as refused:
            winner_of(given, result, LearningConfig(), store, arm=arm)
        assert "--anyway" in refused.value.hint
    with pytest.raises(SettingsError, match="which arm"):
        winner_of(given, None, LearningConfig(), store, anyway=True)
    with pytest.raises(SettingsError, match="which arm"):
        winner_of(given, RESULT, LearningConfig(), store, arm="nwe")
    with pytest.raises(SettingsError, match="changes nothing"):
        winner_of(given, None, LearningConfig(), store, anyway=True, arm="control")

    winner = winner_of(given, RESULT, LearningConfig(), store)
    assert (winner.arm, winner.changes) == ("new", changes)
    assert winner.lines == ('primary = "ease"', "reranking.exploration_slots = 2")
    assert winner_of(given, None, LearningConfig(), store, arm="new", anyway=True) == winner


def test_an_arm_with_a_release_is_promoted_by_its_recipe(tmp_path):
    store = MemoryReleaseStore(tmp_path)
    put_release(store)
    settings = load_settings(start=tmp_path)
    arm = arm_of("old=release=2024-01", settings, store)
    assert arm == {"name": "old", "release": RELEASE}
    found = winner_of(trial(arm), None, LearningConfig(), store, arm="old", anyway=True)
    assert found.changes == {"primary": "ease"}


def test_the_gate_decides_on_the_winner(call, folder, start, monkeypatch):
    """The weekly job is run with the winner's recipe; here one that only notes it."""
    start("--arm", "new=primary=ease")
    report(folder, RESULT)
    asked = []

    done = SimpleNamespace(facts={"top_n": {"promoted": True}})

    def run(settings, as_of, sample, overrides, now, console):
        asked.append((as_of, sample, overrides))
        store = FileReleaseStore(folder / "data" / "releases")
        put_release(store, settings.with_learning(overrides).learning)
        store.promote(RELEASE)
        return done

    monkeypatch.setattr("recsys_pipeline.commands.run.run", run)
    told = call(folder, "experiment", "promote", "trial")

    assert told.code == 0, told.err
    assert asked == [(None, 1.0, {"primary": "ease"})]
    assert 'primary = "ease"' in told.text
    assert "is in service" in told.text
    (listed,) = call(folder, "experiment", "list", "--json").json
    assert listed["state"].startswith("stopped on")


def user_weeks(weeks: int, users: int = 400) -> list[pd.DataFrame]:
    rng = np.random.default_rng(5)
    rate = rng.beta(2, 15, users)
    made = []
    for week in range(weeks):
        shown = rng.poisson(30, users) + 1
        frame = pd.DataFrame(
            {n.USER_ID: [f"u{i}" for i in range(users)], n.IMPRESSIONS: shown,
             n.CLICKS: rng.binomial(shown, rate), n.ANSWERS: 3}
        )  # fmt: skip
        frame[n.WEEK] = pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=7 * week)
        empty = no_user_weeks()
        frame = frame.reindex(columns=empty.columns)
        for name in (n.EXPERIMENT, n.ARM, n.SEGMENT):
            frame[name] = ""
        made.append(frame.fillna(dict.fromkeys(frame.columns, 0)).astype(empty.dtypes))
    return made


def test_toml_has_no_word_for_none():
    assert _line("k", 5) == "k = 5"
    assert _line("ranker.depth", None) == "# ranker.depth: take this line out"


def test_a_plan_says_how_long_it_takes(call, folder):
    plan = ("experiment", "plan", "trial", "--arm", "control", "--arm", "new=primary=ease")
    refused = call(folder, *plan)
    assert (refused.code, "No week has been counted" in refused.text) == (4, True)

    home = folder / "data" / "assets" / ONLINE_ACTIVITY
    home.mkdir(parents=True)
    for week, frame in enumerate(user_weeks(8)):
        write_frame(frame, home / f"2024-01-{week + 1:02d}.parquet")
    told = call(folder, *plan, "--least-effect", "0.5", "--json")
    assert told.code == 0, told.err
    found = told.json
    assert 0.08 < found["baseline"] < 0.16
    assert found["weeks_needed"] >= 1
    assert found["detectable"]["1"] > found["detectable"]["26"]
    assert "A change of 50.0% is found after" in call(folder, *plan, "--least-effect", "0.5").text
    assert "is never found" in call(folder, *plan, "--least-effect", "0.001").text
    assert call(folder, "experiment", "list", "--json").json == []


def test_the_newest_report_is_printed(call, folder):
    refused = call(folder, "report")
    assert (refused.code, "There is no report yet" in refused.text) == (2, True)
    report(folder, week="2024-01-08")
    report(folder)

    told = call(folder, "report")
    assert "# The week up to 2024-01-15" in told.out
    assert "[REC] is fine." in told.out
    page = folder / "data" / "reports" / "2024-01-15" / REPORT_HTML
    assert str(page) in told.text
    older = call(folder, "report", "--week", "2024-01-08", "--json").json
    assert older["weeks"] == ["2024-01-08", "2024-01-15"]
    assert older["markdown"].startswith("# The week up to 2024-01-08")
    missing = call(folder, "report", "--week", "2024-01-10")
    assert (missing.code, "2024-01-15" in missing.text) == (2, True)
    assert call(folder, "report", "--week", "yesterday").code == 2


def test_the_page_is_shown_in_a_browser(call, folder, monkeypatch):
    report(folder)
    seen = []
    monkeypatch.setattr("webbrowser.open", lambda url: bool(seen.append(url)))
    told = call(folder, "report", "--open")
    assert seen == [(folder / "data" / "reports" / "2024-01-15" / REPORT_HTML).as_uri()]
    assert "No browser" in told.err


def test_a_run_leaves_a_report_and_one_can_be_made_now(call, served):
    left = call(served, "report", "--json").json
    assert left["markdown"].startswith("# Weekly report")
    assert Path(left["path"]).read_bytes().startswith(b"<!")
    (state,) = [each for each in (served / "data" / "reports").iterdir() if each.is_dir()]
    made = call(served, "report", "--make", "--json")
    assert made.code == 0, made.err
    assert made.json["weeks"] == [state.name, made.json["week"]]
    wrong = call(served, "report", "--make", "--week", "2024-13-01")
    assert (wrong.code, "names no week" in wrong.text) == (2, True)
    shutil.rmtree(served / "data" / "reports" / made.json["week"])
