"""Problem details: whole, bounded, and without what was sent."""

import json
from http import HTTPStatus

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from recsys_pipeline.errors import (
    DataError,
    MemoryLimitError,
    ModelError,
    ReleaseError,
    SettingsError,
    SetupError,
    StorageError,
)
from recsys_pipeline.serving.problems import (
    KINDS,
    NOT_FOUND,
    Kind,
    Problem,
    invalid,
    of_status,
    problem_bytes,
    to_problem,
)


def test_kinds_are_told_apart_and_are_errors():
    assert len({kind.slug for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert HTTPStatus(kind.status) >= HTTPStatus.BAD_REQUEST


def test_members():
    problem = Problem(NOT_FOUND, "No movie 7.", {"movie": 7, "status": 200})
    assert json.loads(problem_bytes(problem, "id-1")) == {
        "type": "/problems/not-found",
        "title": NOT_FOUND.title,
        "status": 404,
        "detail": "No movie 7.",
        "request_id": "id-1",
        "movie": 7,
    }
    assert "detail" not in json.loads(problem_bytes(Problem(NOT_FOUND), "id-1"))


def test_what_is_said_is_bounded_and_can_be_written():
    body = problem_bytes(Problem(NOT_FOUND, "\ud800" + "x" * 10_000), "id-1")
    detail = json.loads(body)["detail"]
    assert len(detail) == 500
    assert detail.startswith("?xxx")
    assert detail.endswith("…")


@pytest.mark.parametrize(
    "error, status",
    [
        (SettingsError("k is 0."), 422),
        (ReleaseError("none in /data"), 503),
        (ModelError("cannot load /data"), 503),
        (MemoryLimitError("4 GB"), 503),
        (StorageError("/data/events.db"), 503),
        (SetupError("/data"), 500),
        (DataError("/data"), 500),
    ],
)
def test_errors_of_the_package(error, status):
    problem = to_problem(error)
    assert problem.kind.status == status
    assert "/data" not in problem_bytes(problem, "id-1").decode()
    assert bool(problem.headers) == (status == 503)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 418, 422, 429, 500, 503])
def test_each_status_has_a_problem(status):
    problem = of_status(status, [(b"allow", b"GET")])
    assert problem.kind.status == status
    assert problem.headers == ((b"allow", b"GET"),)
    assert problem.kind.slug not in ("nested-too-deep", "cross-site", "no-storage")


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    k: int
    movies: list[int] = []


def test_faults_of_a_schema_do_not_repeat_what_was_sent():
    sent = {"k": "Eve 4711", "movies": ["Eve"] * 30, "x" * 500: 1}
    with pytest.raises(ValidationError) as raised:
        Body.model_validate(sent)
    problem = invalid(raised.value.errors())
    told = json.loads(problem_bytes(problem, "id-1"))
    assert told["status"] == 422
    assert len(told["errors"]) == 10
    assert told["errors_in_all"] == 32
    assert told["errors"][0]["where"] == "k"
    assert "Eve" not in str(told)
    assert len(str(told)) < 5000
    (long,) = invalid([{"loc": ("body", "x" * 500), "msg": "y" * 500}]).extra["errors"]
    assert len(long["where"]) <= 200
    assert len(long["message"]) == 200


def test_a_kind_names_its_page():
    assert Kind("unknown-movie", 404, "There is no such movie").type == "/problems/unknown-movie"
