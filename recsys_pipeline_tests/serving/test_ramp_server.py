"""A release that takes over step by step and does badly takes itself back; nobody notices."""

import shutil

import pytest

from recsys_pipeline.storage import FileReleaseStore

LIST = "/v1/users/{}/recommendations"


@pytest.fixture(scope="module")
def pair(tmp_path_factory, put, learn):
    """A folder with two releases, of which the first is in service; and both."""
    root = tmp_path_factory.mktemp("ramped")
    old, new = put(root, learn("ease")), put(root, learn())
    FileReleaseStore(root / "data" / "releases").roll_back(old)
    return root, old, new


@pytest.fixture
def place(pair, tmp_path):
    """A copy to change anything in, and its store."""
    shutil.copytree(pair[0] / "data", tmp_path / "data")
    return tmp_path, FileReleaseStore(tmp_path / "data" / "releases")


@pytest.fixture
def api(place, opening):
    ramp = {"percent": (20, 100), "least_requests": 10}
    opened = opening(place[0], serving={"ramp": ramp, "poll_seconds": 60})
    yield opened
    opened.close()


def ramped(api, place, pair) -> list[str]:
    """Begin the take-over; the users whom the new release answers."""
    _, old, new = pair
    place[1].promote(new)
    keeper = api.server.service.keeper
    keeper.refresh()
    told = api.get("/v1/releases/current")
    assert (told["id"], told["percent"], told["before"]["id"]) == (new, 20, old)
    users = [str(user) for user in range(1, 61)]
    taken = [user for user in users if keeper.release(user).id == new]
    assert 4 <= len(taken) <= 24
    return taken


def test_errors_take_it_back_and_the_release_before_answers(api, place, pair, monkeypatch) -> None:
    _, old, new = pair
    taken = ramped(api, place, pair)

    def fails(*arguments, **options):
        raise ArithmeticError("injected")

    broken = api.server.service.keeper.served.current
    monkeypatch.setattr(type(broken.model), "recommend", _only_for(broken.model, fails))
    for user in (taken * 10)[:10]:
        answer = api.get(f"{LIST.format(user)}?fresh=true")
        assert (answer["release"]["id"], len(answer["items"])) == (old, 5)
    assert api.server.service.keeper.release(taken[0]).id == new

    api.server.service.keeper.refresh()
    assert place[1].pointer().release == old
    assert place[1].pointer().held
    told = api.get("/v1/releases/current")
    assert (told["id"], told["before"]) == (old, None)
    assert told["ramp"]["stopped"] == "100.0% of 10 answers failed (at most 1.0%)"
    said = [line["text"] for line in api.lines() if line["event"] == "release"]
    assert f"release {new} is taken back: {told['ramp']['stopped']}" in said
    for user in taken:
        assert api.get(LIST.format(user))["release"]["id"] == old
    api.server.service.keeper.refresh()
    assert api.get("/v1/releases/current")["id"] == old


def _only_for(model, fails):
    """The method as it is, but for one model."""
    recommend = type(model).recommend

    def either(self, *arguments, **options):
        return (fails if self is model else recommend)(self, *arguments, **options)

    return either


def test_a_wrong_question_is_no_error_of_the_release(api, place, pair) -> None:
    _, _, new = pair
    taken = ramped(api, place, pair)
    for _ in range(12):
        api.get(f"{LIST.format(taken[0])}?genre=Nonsense", 422)
        api.get(LIST.format(taken[0]))
    api.server.service.keeper.refresh()
    assert api.get("/v1/releases/current")["id"] == new


def test_slow_answers_take_it_back_with_two_workers_that_share_what_they_saw(
    place, pair, serving
) -> None:
    root, store = place
    _, old, new = pair
    server = serving(
        root,
        "--workers",
        "2",
        RECSYS_SERVING__ACCESS_LOG="false",
        RECSYS_SERVING__POLL_SECONDS="0.2",
        RECSYS_SERVING__LIMITS__REQUESTS_PER_MINUTE="0",
        RECSYS_SERVING__RAMP__PERCENT="[20, 100]",
        RECSYS_SERVING__RAMP__LEAST_REQUESTS="40",
        RECSYS_SERVING__RAMP__MOST_MILLISECONDS="0.001",
    )
    server.start()

    def said(text: str) -> int:
        return sum(text in line["text"] for line in server.events("release"))

    server.wait_for(lambda: said(f"release {old} answers") == 2)
    store.promote(new)
    server.wait_for(lambda: said(f"release {new} answers 20 % of the users") == 2)

    answered = {old: 0, new: 0}

    def ask_everybody() -> bool:
        for user in range(1, 61):
            status, answer = server.ask("GET", LIST.format(user))
            assert (status, len(answer["items"])) == (200, 5)
            answered[answer["release"]["id"]] += 1
        # The first worker that sees it moves the pointer back; the other may just follow it.
        back = said(f"release {new} is taken back")
        return back >= 1 and back + said(f"release {old} answers") == 4

    server.wait_for(ask_everybody)
    assert answered[new] >= 40
    assert store.pointer().release == old
    for user in range(1, 61):
        assert server.ask("GET", LIST.format(user))[1]["release"]["id"] == old
    status, told = server.ask("GET", "/v1/releases/current")
    assert (status, told["id"]) == (200, old)
    assert "took longer than 0.001 ms (at most 1 %)" in told["ramp"]["stopped"]
