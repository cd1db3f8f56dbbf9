"""Releases, health and documentation over HTTP."""

import shutil

import pytest


@pytest.fixture(scope="module")
def two(tmp_path_factory, put, learn):
    """A folder with two releases; the second is in service."""
    root = tmp_path_factory.mktemp("two")
    return root, put(root, learn("ease"), weeks_ago=1), put(root, learn())


@pytest.fixture
def api(two, tmp_path, opening):
    shutil.copytree(two[0] / "data", tmp_path / "data")
    opened = opening(tmp_path)
    yield opened
    opened.close()


def test_releases_are_listed_newest_first(two, api) -> None:
    told = api.get("/v1/releases")
    assert [each["id"] for each in told["releases"]] == [two[2], two[1]]
    assert (told["in_service"], told["before"]) == (two[2], [two[1]])
    assert "files" not in told["releases"][0]


def test_one_goes_back_and_forth_and_answers_follow(two, api) -> None:
    _, old, new = two
    path = "/v1/users/7/recommendations"
    assert api.get(path)["release"]["id"] == new
    assert api.post("/v1/admin/releases/rollback")["id"] == old
    assert api.get(path)["release"]["id"] == old
    held = {each["id"]: each["held"] for each in api.get("/v1/releases")["releases"]}
    assert held == {new: True, old: False}
    assert api.post(f"/v1/admin/releases/{new}/promote")["id"] == new
    assert api.get(path)["release"]["id"] == new
    assert api.get("/v1/releases/current")["before"] is None


def test_what_cannot_be_moved_is_told(two, api) -> None:
    missing = api.post("/v1/admin/releases/2001-01-01-00000000/promote", status=404)
    assert missing["type"] == "/problems/unknown-release"
    api.post("/v1/admin/releases/rollback?release=nothing", status=404)
    api.post("/v1/admin/releases/rollback")
    problem = api.post("/v1/admin/releases/rollback", status=409)
    assert problem["type"] == "/problems/cannot-move"


def test_two_releases_are_compared(two, api) -> None:
    found = api.get("/v1/releases/diff")
    assert (found["before"], found["after"]) == (two[1], two[2])
    assert found["users_both"] == 60
    assert found["changed"] > 0
    assert api.get("/v1/releases/diff?before=none", status=404)["detail"]


def test_a_release_that_is_broken_is_refused_and_told(two, api, tmp_path) -> None:
    _, old, new = two
    model = tmp_path / "data" / "releases" / old / "model" / "model.json"
    api.post("/v1/admin/releases/rollback")
    api.post(f"/v1/admin/releases/{new}/promote")
    model.write_text("{}")
    # Promoting checks every hash; a pointer that names it all the same is not followed.
    api.post(f"/v1/admin/releases/{old}/promote", status=409)
    pointer = tmp_path / "data" / "releases" / "current.json"
    pointer.write_text(pointer.read_text().replace(f'"release": "{new}"', f'"release": "{old}"'))
    api.server.service.keeper.refresh()
    ready = api.get("/v1/health/ready")
    assert ready["release"]["id"] == new
    assert ready["refused"]["release"] == old
    assert api.get("/v1/users/7/recommendations")["release"]["id"] == new


def test_without_a_release_it_is_alive_and_not_ready(tmp_path, opening) -> None:
    api = opening(tmp_path)
    try:
        assert api.get("/v1/health/live") == {"status": "alive"}
        problem = api.get("/v1/health/ready", status=503)
        assert "no release yet" in problem["detail"]
        assert api.get("/v1/users/7/recommendations", status=503)["type"] == "/problems/no-release"
        assert api.post("/v1/events", {"user_id": 7, "movie_id": 3, "kind": "click"})["stored"] == 1
    finally:
        api.close()


def test_metrics_count_what_was_answered(api) -> None:
    api.get("/v1/users/7/recommendations")
    api.get("/v1/users/nobody/recommendations")
    api.get("/nowhere/7", status=404)
    text = api.ask("GET", "/metrics").text
    assert 'recsys_answers_total{kind="stored"} 1.0' in text
    assert 'recsys_answers_total{kind="cold"} 1.0' in text
    assert "recsys_fallback_answers_total 1.0" in text
    assert 'route="/v1/users/{user_id}/recommendations"' in text
    assert "recsys_release_age_seconds 3600.0" in text
    assert "nobody" not in text
    assert "/nowhere" not in text


def test_the_documentation_names_every_address_and_its_parameters(api) -> None:
    spec = api.get("/v1/openapi.json")
    assert spec["openapi"].startswith("3.1")
    paths = spec["paths"]
    asked = {
        each["name"] for each in paths["/v1/users/{user_id}/recommendations"]["get"]["parameters"]
    }
    assert {"k", "genre", "exclude", "diversity", "fresh", "language", "available_at"} <= asked
    for path, methods in paths.items():
        for method, about in methods.items():
            assert about["summary"], (method, path)
    event = spec["components"]["schemas"]["EventSent"]["properties"]["event_id"]
    assert event["description"]


def test_types_of_problems_are_addresses(api) -> None:
    assert api.get("/problems/unknown-movie")["status"] == 404
    api.get("/problems/none", status=404)


def test_the_log_names_nobody(api) -> None:
    api.get("/v1/users/7123456789/recommendations")
    api.post("/v1/events", {"user_id": "7123456789", "movie_id": 3, "kind": "click"})
    api.get("/v1/users/7123456789/history?limit=5")
    api.get("/v1/users/7123456789/recommendations?k=0", status=422)
    requests = [line for line in api.lines() if line["event"] == "request"]
    assert [line["status"] for line in requests] == [200, 200, 200, 422]
    assert requests[0]["person"]
    assert b"7123456789" not in api.log.getvalue()


@pytest.mark.parametrize("path", ["/v1/movies?q=x", "/v1/releases/diff?a=x", "/v1/releases?k=1"])
def test_a_parameter_that_an_address_lacks_is_refused(api, path) -> None:
    problem = api.get(path, status=422)
    assert path.partition("?")[2].partition("=")[0] in str(problem)


def test_a_body_that_is_not_said_to_be_json_is_told(api) -> None:
    answer = api.ask("POST", "/v1/events", content=b'{"user_id": 7}')
    assert answer.status_code == 415
    assert "content-type" in answer.json()["detail"]
