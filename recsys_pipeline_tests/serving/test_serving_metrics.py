"""What Prometheus reads, from one worker and from several."""

import os
import re
import subprocess
import sys

from recsys_pipeline.serving.metrics import FOLDER_VARIABLE, Metrics, fresh_folder

ROUTE = "/v1/users/{user_id}/recommendations"


def values(text):
    found = re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_every_count_is_told():
    metrics = Metrics()
    for seconds in (0.0005, 0.004, 2.0):
        metrics.begin()
        metrics.end("GET", ROUTE, 200, seconds)
    metrics.begin()
    metrics.end("BREW", "unmatched", 404, 0.001)
    metrics.begin()
    metrics.answer("stored", False)
    metrics.answer("cold", True)
    metrics.answer("cold", True)
    metrics.events("view", 3)
    metrics.cache("hit")
    metrics.database_error("keys")
    metrics.impressions(7, 2)
    metrics.log_lost(5)
    metrics.releases(frozenset(("r1", "r2")), 1000.0, 1000.0)
    metrics.releases(frozenset(("r2",)), 2000.0, 2000.0)
    body, content_type = metrics.text(2600.0)
    told = values(body.decode())
    assert content_type.startswith("text/plain")
    expected = {
        f'recsys_requests_total{{method="GET",route="{ROUTE}",status="200"}}': 3,
        'recsys_requests_total{method="other",route="unmatched",status="404"}': 1,
        f'recsys_request_seconds_bucket{{le="0.001",route="{ROUTE}"}}': 1,
        f'recsys_request_seconds_bucket{{le="0.005",route="{ROUTE}"}}': 2,
        f'recsys_request_seconds_bucket{{le="1.0",route="{ROUTE}"}}': 2,
        f'recsys_request_seconds_bucket{{le="+Inf",route="{ROUTE}"}}': 3,
        "recsys_requests_in_flight": 1,
        'recsys_answers_total{kind="stored"}': 1,
        'recsys_answers_total{kind="cold"}': 2,
        "recsys_fallback_answers_total": 2,
        'recsys_events_total{kind="view"}': 3,
        'recsys_cache_total{outcome="hit"}': 1,
        'recsys_cache_total{outcome="skipped"}': 0,
        'recsys_database_errors_total{what="keys"}': 1,
        "recsys_impressions_queued": 7,
        "recsys_impressions_lost": 2,
        "recsys_log_lines_lost": 5,
        'recsys_release_info{release="r1"}': 0,
        'recsys_release_info{release="r2"}': 1,
        "recsys_release_as_of_seconds": 2000,
        "recsys_release_age_seconds": 600,
    }
    assert {name: told.get(name) for name in expected} == expected


def test_methods_that_somebody_makes_up_take_no_memory():
    metrics = Metrics()
    for number in range(100):
        metrics.end(f"M{number}", "unmatched", 405, 0.001)
    assert len(metrics._bound) == 0
    assert metrics.text(0)[0].count(b"recsys_requests_total{") == 1


WORKER = """
import sys
from recsys_pipeline.serving.metrics import Metrics
metrics = Metrics()
for _ in range(int(sys.argv[1])):
    metrics.begin()
    metrics.end("GET", "/", 200, 0.002)
metrics.begin()
metrics.impressions(10, int(sys.argv[1]))
metrics.releases(frozenset(("r1",)), 500.0, 500.0)
if sys.argv[2] == "tell":
    sys.stdout.write(metrics.text(800.0)[0].decode())
"""
FORGET = """
import sys
from pathlib import Path
from recsys_pipeline.serving.metrics import forget_worker
forget_worker(int(sys.argv[1]), Path(sys.argv[2]))
"""


def test_several_workers_are_counted_together(tmp_path):
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "counter_99999.db").write_bytes(b"left by an earlier server")
    variables = fresh_folder(folder)
    assert variables == {FOLDER_VARIABLE: str(folder)}
    assert list(folder.iterdir()) == []

    def run(code, *arguments):
        with subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        return process.pid, out

    first, _ = run(WORKER, "2", "end")
    run(FORGET, str(first), str(folder))
    _, text = run(WORKER, "3", "tell")
    told = values(text)
    assert told['recsys_requests_total{method="GET",route="/",status="200"}'] == 5
    assert told["recsys_requests_in_flight"] == 1
    assert told["recsys_impressions_queued"] == 10
    assert told["recsys_impressions_lost"] == 5
    assert told['recsys_release_info{release="r1"}'] == 1
    assert told["recsys_release_age_seconds"] == 300
