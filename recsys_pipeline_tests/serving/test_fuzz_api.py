"""The whole API asked everything that its own documentation allows, and much that it does not."""

import json
import shutil

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

CONFIG = """
seed = 1
[generation]
deterministic = true
no-shrink = true
max-examples = 8
[phases.stateful]
enabled = false
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx"]
[checks.positive_data_acceptance]
# What a schema cannot say: which genres there are, who was erased, how long an address may be.
expected-statuses = ["2xx", "400", "404", "409", "410", "414", "422"]
[checks.negative_data_rejection]
expected-statuses = ["400", "404", "405", "414", "415", "422"]
# GET of that address exports the person whose id ends in /erase.
[[operations]]
include-path = "/v1/admin/privacy/{user_id}/erase"
[operations.checks.unsupported_method]
enabled = false
"""


@pytest.fixture(scope="module")
def fuzzed(released, tmp_path_factory, listen):
    """What came of it, the documentation, and the log of the server."""
    root = tmp_path_factory.mktemp("fuzzed")
    shutil.copytree(released / "data", root / "data")
    with listen(root, serving={"limits": {"requests_per_minute": 0}}) as served:
        schema = schemathesis.openapi.from_url(
            f"http://127.0.0.1:{served.port}/v1/openapi.json",
            config=SchemathesisConfig.from_str(CONFIG),
        )
        found = list(from_schema(schema).execute())
    return found, schema, [json.loads(line) for line in served.log.getvalue().splitlines()]


def test_every_address_keeps_its_word(fuzzed) -> None:
    found, _, _ = fuzzed
    faults = {
        f"{each.label} {check.name}: {check.failure_info.failure.message}\n"
        f"{check.failure_info.code_sample[:1_000]}"
        for each in found
        if isinstance(each, events.ScenarioFinished)
        for checks in each.recorder.checks.values()
        for check in checks
        if check.status is Status.FAILURE
    }
    assert not faults, "\n\n".join(sorted(faults))
    assert not [each for each in found if isinstance(each, events.NonFatalError)]


def test_every_address_was_asked_often(fuzzed) -> None:
    found, schema, _ = fuzzed
    asked = dict.fromkeys((each.ok().label for each in schema.get_all_operations()), 0)
    for each in found:
        if isinstance(each, events.ScenarioFinished):
            asked[each.label] += len(each.recorder.interactions)
    assert len(asked) >= 26
    assert {name: count for name, count in asked.items() if count < 5} == {}
    assert sum(asked.values()) > 1_000


def test_nothing_failed_that_nobody_foresaw(fuzzed) -> None:
    _, _, lines = fuzzed
    assert [line for line in lines if line["event"] == "fault"] == []
    assert {line["status"] for line in lines if line["event"] == "request"} >= {200, 404, 422}
