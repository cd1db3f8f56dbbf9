"""A person is erased while the server answers, by it or by somebody else: no trace comes back."""

import shutil

import pytest

from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage import FileReleaseStore
from recsys_pipeline.storage.privacy_door import opened_privacy

WHO = "7"
LIST = f"/v1/users/{WHO}/recommendations"
EVENT = {"user_id": WHO, "movie_id": 3, "kind": "click"}


@pytest.fixture
def api(released, tmp_path, opening):
    """A server that hardly ever looks for news by itself."""
    shutil.copytree(released / "data", tmp_path / "data")
    opened = opening(tmp_path, serving={"poll_seconds": 60})
    yield opened
    opened.close()


def erase_elsewhere(api, root) -> None:
    """As the command line does: another process, the same database and releases."""
    store = FileReleaseStore(root / "data" / "releases")
    with opened_privacy(Settings(root=root), store, make=True) as privacy:
        assert privacy.erase(WHO, api.server.service.people._now()).done


def rows(api) -> list[str]:
    api.server.service.writer.flush()
    return api.server.service.events.spellings(WHO)


def look(api) -> None:
    api.server.service.keeper.refresh()
    api.server.service.people.refresh()


def test_no_row_comes_back_while_the_server_does_not_know_yet(api, tmp_path) -> None:
    service = api.server.service
    assert api.get(LIST)["kind"] == "stored"
    # Handed out before the erasure, and not written yet.
    api.get(LIST)
    erase_elsewhere(api, tmp_path)
    api.get(LIST)
    api.get(f"{LIST}?diversity=0.5")
    told = api.post("/v1/events", {**EVENT, "event_id": "late"})
    assert (told["stored"], told["refused"]) == (0, 1)
    assert rows(api) == []
    assert service.events.event("late") is None


def test_an_erased_person_is_answered_like_somebody_unknown(api, tmp_path) -> None:
    service = api.server.service
    before = api.get(f"{LIST}?diversity=0.5")
    assert before["personal"]
    old = service.keeper.served
    erase_elsewhere(api, tmp_path)
    # Only who was erased is learned: the release in memory still knows the person.
    service.people.refresh()
    assert service.keeper.served is old
    unknown = api.get("/v1/users/never-seen/recommendations")
    for address in (LIST, f"{LIST}?k=5", f"/v1/users/%20{WHO}/recommendations"):
        answer = api.get(address)
        assert (answer["kind"], answer["personal"], answer["user_id"]) == ("cold", False, WHO)
        assert answer["items"] == unknown["items"]
        service.writer.flush()
        assert service.events.shown(answer["answer_id"]).user_id == ""
    assert api.get(f"{LIST}?diversity=0.5")["kind"] == "cold"
    assert rows(api) == []
    person = [line.get("person") for line in api.lines() if line.get("route", "").endswith("ns")]
    assert person[-1] is None


def test_a_rewritten_release_that_cannot_be_read_brings_nobody_back(
    api, tmp_path, monkeypatch
) -> None:
    keeper = api.server.service.keeper
    old = keeper.served.current

    def broken(store: object, release: str) -> None:
        raise ReleaseError("broken")

    monkeypatch.setattr(keeper, "_load", broken)
    erase_elsewhere(api, tmp_path)
    look(api)
    assert keeper.served.current is old
    assert api.get(LIST)["kind"] == "cold"
    assert api.get("/v1/users/8/recommendations")["kind"] == "stored"


def test_answers_kept_before_an_erasure_are_not_found_after_it(api, tmp_path) -> None:
    service = api.server.service
    where = "/v1/users/8/recommendations?diversity=0.5"
    before, after = [], []
    kept = service.desk._cache
    real_put = kept.put

    async def put(namespace: str, user: str, asked: bytes, answer: bytes) -> None:
        (after if after else before).append(namespace)
        await real_put(namespace, user, asked, answer)

    kept.put = put
    api.get(where)
    api.get(where)
    assert len(before) == 1
    erase_elsewhere(api, tmp_path)
    look(api)
    after.append("")
    api.get(where)
    release = service.keeper.release().id
    assert (before, after[1:]) == ([f"{release}.0"], [f"{release}.1"])


def test_an_erasure_over_http_leaves_nothing_while_lists_are_asked_for(api) -> None:
    api.post("/v1/events", EVENT)
    for _ in range(5):
        api.get(LIST)
    receipt = api.post(f"/v1/admin/privacy/{WHO}/erase")
    for _ in range(5):
        assert api.get(LIST)["kind"] == "cold"
    assert api.post("/v1/events", EVENT)["refused"] == 1
    assert rows(api) == []
    assert {"step": "caches", "removed": {}} in receipt["steps"]
    left = " ".join(receipt["left_to_people"])
    assert "hand out no list of the person after 60 seconds" in left
