"""Arms in answers: sticky, logged, switched whole, and honest where a release is away."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from recsys_pipeline.experiments.assignment import assign, recipe_key
from recsys_pipeline.experiments.config import ExperimentConfig
from recsys_pipeline.pipeline.experimenting import by_hand, running, start, stop_arm
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage import FileReleaseStore
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.events import SqlEventStore
from recsys_pipeline.storage.state import SqlStateStore

EASE = {"primary": "ease"}
KEY = recipe_key(EASE)
ARMS = {
    "holdout": 0.2,
    "holdout_learning": EASE,
    "declared": [
        {
            "name": "x",
            "arms": [{"name": "old"}, {"name": "new", "learning": EASE}],
            "eligible": {"min_history": 1},
        }
    ],
}
USERS = [str(number) for number in range(1, 61)]


@pytest.fixture
def two(two_releases, tmp_path) -> tuple[Path, str, str]:
    """A folder of one's own with two releases; the newer one is in service."""
    root, old, new = two_releases
    shutil.copytree(root / "data", tmp_path / "data")
    return tmp_path, old, new


def store_of(root: Path) -> FileReleaseStore:
    return FileReleaseStore(root / "data" / "releases")


def look(api) -> None:
    api.server.service.keeper.refresh()


def place(answer) -> tuple[str | None, str | None, str]:
    return answer["experiment"], answer["arm"], answer["release"]["id"]


def everybody(api, query: str = "") -> dict[str, tuple[str | None, str | None, str]]:
    return {user: place(api.get(f"/v1/users/{user}/recommendations{query}")) for user in USERS}


def test_each_user_gets_the_release_of_the_arm_and_the_log_says_so(two, opening) -> None:
    root, old, new = two
    store_of(root).arm(KEY, old)
    api = opening(root, experiments=ARMS)
    try:
        found = everybody(api)
        shares = Counter(found.values())
        assert set(shares) == {("holdout", "holdout", old), ("x", "old", new), ("x", "new", old)}
        config = Settings(root=root, experiments=ARMS).experiments
        database = database_of(Settings(root=root))
        state = SqlStateStore(database)
        plan = running(config, by_hand(state), api.server.service.keeper.arms.plan.day)
        for user, (experiment, arm, _) in found.items():
            drawn = assign(user, plan, history=1)
            assert (drawn.experiment, drawn.arm) == (experiment, arm)
        # Made anew, the answer comes from the same place.
        assert everybody(api, "?k=3&fresh=true") == found
        api.server.service.writer.flush()
        for user in USERS[:10]:
            for row in SqlEventStore(database).shown_to(user):
                assert (row.experiment, row.arm, row.release) == found[user]
                assert row.personal
        database.close()
        told = api.get(f"/v1/users/{USERS[0]}/arm")
        assert (told["experiment"], told["arm"], told["release"]) == found[USERS[0]]
        assert told["own_release"] == (found[USERS[0]][2] == old)
        # Nobody who is not named, or of whom too little is known, is in an experiment.
        session = api.post("/v1/recommendations/session", {"movies": ["3"]})
        assert place(session) == (None, None, new)
        strangers = [place(api.get(f"/v1/users/s{n}/recommendations")) for n in range(40)]
        assert set(strangers) == {(None, None, new), ("holdout", "holdout", old)}
        metrics = api.ask("GET", "/metrics").text
        assert 'recsys_arm_answers_total{arm="new",experiment="x"}' in metrics
    finally:
        api.close()
    # Another process, later, places everybody alike.
    again = opening(root, experiments=ARMS)
    assert everybody(again) == found
    again.close()


def test_an_experiment_waits_for_its_recipes_and_begins_as_a_whole(two, opening) -> None:
    root, old, new = two
    api = opening(root, experiments=ARMS)
    assert set(everybody(api).values()) == {(None, None, new)}
    told = api.get("/v1/experiments")
    assert told["running"][0]["waiting"]
    assert told["holdout"]["waiting"]
    store_of(root).arm(KEY, old)
    look(api)
    assert {each[:2] for each in everybody(api).values()} == {
        ("holdout", "holdout"), ("x", "old"), ("x", "new"),
    }  # fmt: skip
    told = api.get("/v1/experiments")
    assert [arm["release"] for arm in told["running"][0]["arms"]] == [None, old]
    assert not told["running"][0]["waiting"]
    api.close()


def test_a_switch_of_an_arms_release_is_whole_and_moves_nobody(two, opening, put, learn) -> None:
    root, old, new = two
    store_of(root).arm(KEY, old)
    api = opening(root, experiments=ARMS)
    before = everybody(api)
    later = put(root, learn("ease", k=4), weeks_ago=2)
    store_of(root).promote(new)
    store_of(root).arm(KEY, later)
    look(api)
    after = everybody(api)
    assert {user: each[:2] for user, each in after.items()} == {
        user: each[:2] for user, each in before.items()
    }
    assert {each[2] for each in after.values() if each[1] == "new"} == {later}
    assert {each[2] for each in after.values() if each[1] == "old"} == {new}
    api.close()


def test_where_an_arms_release_is_away_the_one_in_service_answers_and_says_so(two, opening) -> None:
    root, old, new = two
    store_of(root).arm(KEY, old)
    (root / "data" / "releases" / old / "top_n.parquet").write_bytes(b"broken")
    api = opening(root, experiments=ARMS)
    look(api)
    user = next(user for user, each in everybody(api).items() if each[1] == "new")
    answer = api.get(f"/v1/users/{user}/recommendations")
    assert place(answer) == ("x", "new", new)
    assert [each["code"] for each in answer["notices"]] == ["arm_unavailable"]
    api.server.service.writer.flush()
    (row, *_) = api.server.service.events.shown_to(user)
    assert (row.experiment, row.arm, row.release, row.personal) == ("x", "new", new, False)
    assert api.get(f"/v1/users/{user}/arm")["available"] is False
    assert [arm["available"] for arm in api.get("/v1/experiments")["running"][0]["arms"]] == [
        True,
        False,
    ]
    told = [line["text"] for line in api.lines() if line["event"] == "experiment"]
    assert len([text for text in told if old in text]) == 1
    api.close()


def test_where_an_arms_release_fails_to_answer_the_one_in_service_does(two, opening) -> None:
    root, old, new = two
    store_of(root).arm(KEY, old)
    api = opening(root, experiments=ARMS)
    user = next(user for user, each in everybody(api).items() if each[1] == "new")
    broken = api.server.service.keeper.arms.releases[old].model

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    object.__setattr__(broken, "recommend", fail)
    answer = api.get(f"/v1/users/{user}/recommendations?fresh=true")
    assert place(answer) == ("x", "new", new)
    assert "arm_unavailable" in [each["code"] for each in answer["notices"]]
    api.close()


def test_experiments_started_and_stopped_by_hand_are_followed(two, opening) -> None:
    root, old, new = two
    api = opening(root)
    database = database_of(Settings(root=root))
    state, day = SqlStateStore(database), api.server.service.keeper.arms.plan.day
    config = Settings(root=root).experiments
    given = ExperimentConfig.model_validate(
        {"name": "hand", "arms": [{"name": "a"}, {"name": "b", "release": old}]}
    )
    start(state, config, given, day)
    look(api)
    found = everybody(api)
    assert set(found.values()) == {("hand", "a", new), ("hand", "b", old)}
    click = {"user_id": USERS[0], "movie_id": "3", "kind": "click", "answer_id": "r-1"}
    api.post("/v1/events", click)
    arm = found[USERS[0]][1]
    clicks = f'recsys_arm_clicks_total{{arm="{arm}",experiment="hand"}} 1.0'
    assert clicks in api.ask("GET", "/metrics").text
    stop_arm(state, config, "hand", "b", day)
    look(api)
    # Whoever was drawn into the arm stays in it, and gets what the control gets.
    assert {user: each[:2] for user, each in everybody(api).items()} == {
        user: each[:2] for user, each in found.items()
    }
    assert {each[2] for each in everybody(api).values()} == {new}
    state.put("experiments", "{broken")
    look(api)
    assert everybody(api)[USERS[0]][:2] == found[USERS[0]][:2]
    database.close()
    api.close()


def test_whoever_was_erased_is_in_no_experiment(two, opening) -> None:
    root, old, new = two
    store_of(root).arm(KEY, old)
    api = opening(root, experiments={"holdout": 0.5, "holdout_learning": EASE})
    user = next(user for user, each in everybody(api).items() if each[0] == "holdout")
    api.post(f"/v1/admin/privacy/{user}/erase")
    assert place(api.get(f"/v1/users/{user}/recommendations")) == (None, None, new)
    assert api.get(f"/v1/users/{user}/arm")["experiment"] is None
    api.close()
