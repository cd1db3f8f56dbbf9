"""The pages and the routes about monitoring, experiments and reports."""

import json
import re
import shutil

import pytest

from recsys_pipeline.experiments.results import ExperimentResult
from recsys_pipeline.pipeline.reports import ALARMS, FIGURES
from recsys_pipeline.storage.reports import FileReportStore

DECLARED = {
    "holdout": 0.1,
    "declared": [{"name": "x", "arms": [{"name": "a"}, {"name": "b", "weight": 3}]}],
}
PAGES = ("/monitoring", "/experiments", "/report")


@pytest.fixture(scope="module")
def watched(released, tmp_path_factory, opening, putting_weeks):
    """A server over three monitored weeks; nothing is changed in it."""
    root = tmp_path_factory.mktemp("watched")
    shutil.copytree(released / "data", root / "data")
    putting_weeks(root)
    opened = opening(root, experiments=DECLARED)
    yield opened
    opened.close()


def seen(api, path: str, **headers: str) -> str:
    answer = api.ask("GET", path, headers={"accept": "text/html", **headers})
    assert answer.status_code == 200, answer.text
    text = answer.text
    for tag in ("section", "svg", "table", "details", "figure", "dl", "form", "ul"):
        assert len(re.findall(rf"<{tag}[ >]", text)) == text.count(f"</{tag}>"), tag
    return text


@pytest.mark.parametrize("path", PAGES)
def test_before_the_first_week_a_page_says_what_to_do(shared_api, path):
    text = seen(shared_api, path)
    command = "recsys experiment start" if path == "/experiments" else "recsys report --make"
    assert command in text
    assert text.count('aria-current="page"') == 1


def test_monitoring_shows_the_newest_week_with_its_changes(watched):
    text = seen(watched, "/monitoring")
    # 0.12 + 0.01 × 2, and one point more than the week before.
    assert re.search(r"<dt>Click-through</dt>\s*<dd><b>14.0%</b>", text)
    assert "+1.0 points since the week before (+0.5 points to +1.5 points)" in text
    assert re.search(r'class="change up">\+1.0 points', text)
    # More people who leave is no good news.
    churn = text[text.index("<dt>Users who leave</dt>") :]
    assert re.search(r'class="change (\w+)', churn).group(1) == "down"
    assert re.search(r"<dt>99 of 100 answers within</dt>\s*<dd><b>21.3 ms</b>", text)
    assert re.search(r"<dt>Satisfaction[^<]*</dt>\s*<dd><b>cannot be told</b>", text)
    assert "No alarm this week." in text
    for heading in ("by week and arm", "by position in the list", "by segment", "by day"):
        assert heading in text
    assert "&lt;b&gt;Kids&lt;/b&gt;" in text
    assert "<b>Kids" not in text
    assert ">x/a</" in text.replace("</svg> x/a", ">x/a<")
    # Positions in their order, whatever that of the file.
    ranks = text[text.index("by position in the list") :]
    assert re.findall(r'<th scope="row">(\d+)</th>', ranks)[:3] == ["1", "2", "10"]


def test_another_week_and_figure_can_be_chosen(watched):
    text = seen(watched, "/monitoring?week=2024-01-15&metric=watch_minutes")
    assert 'value="2024-01-15" selected' in text
    assert "It fell &lt;by&gt; 10 %. Look." in text
    assert "click_through_fell" in text
    assert "Minutes watched per user and week: by week and arm" in text
    assert "by segment" not in text
    french = seen(watched, "/monitoring?metric=nonsense", **{"accept-language": "fr"})
    assert "Taux de clics" in french
    assert "14,0\u202f%" in french


def test_experiments_say_what_was_found_and_what_runs(watched):
    text = seen(watched, "/experiments")
    assert "Arm b is clicked 8.3 % more often than the control." in text
    assert "better</span>" in text
    assert "+8.3% (+2.3% to +14.3%)" in text
    assert "2 weeks so far; 4 are needed to find a change of 5.0% with 80% certainty." in text
    assert "Users are shared out as declared." in text
    assert "change against the control, by week" in text
    assert "75%" in text
    assert "10% of the users keep the recipe of the holdout" in text
    assert text.count("the release in service") >= 2


def test_reports_are_read_as_they_were_written_and_run_nothing(watched):
    text = seen(watched, "/report")
    assert text.index("22 Jan 2024") < text.index("Older weeks") < text.index("15 Jan 2024")
    assert re.search(r"Goals: 1 met, 1 missed, 5 cannot be told", text)
    report = watched.ask("GET", "/report/2024-01-15")
    assert report.status_code == 200
    assert "<h1>The week</h1>" in report.text
    policy = report.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    markdown = watched.ask("GET", "/report/2024-01-15/markdown")
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert markdown.text == "# The week\n"
    for week in ("2024-02-05", "20240115", "..%2f..", "2024-1-15"):
        told = watched.get(f"/report/{week}", 404)
        assert told["type"] == "/problems/unknown-week" or week.startswith("..")


def test_the_api_tells_the_same_as_json(watched):
    weeks = watched.get("/v1/monitoring/weeks?limit=2")["weeks"]
    assert [(each["week"], each["alarms"], each["report"]) for each in weeks] == [
        ("2024-01-22", 0, True),
        ("2024-01-15", 1, True),
    ]
    assert weeks[0]["goals"] == {"met": 1, "missed": 1, "cannot tell": 5}
    told = watched.get("/v1/monitoring/2024-01-22")
    clicked = next(row for row in told["figures"] if row["metric"] == "click_through")
    assert clicked["value"] == pytest.approx(0.14)
    assert clicked["n"] == 500
    rated = next(row for row in told["figures"] if row["metric"] == "satisfaction")
    assert rated["value"] is None
    assert watched.get("/v1/monitoring/2023-01-01", 404)["type"] == "/problems/unknown-week"
    assert watched.get("/v1/monitoring/newest", 404)["type"] == "/problems/unknown-week"
    found = watched.get("/v1/experiments")
    assert (found["week"], found["results"][0]["winner"]) == ("2024-01-22", "b")
    assert ExperimentResult.from_json(json.dumps(found["results"][0])).weeks == 2
    assert [arm["share"] for arm in found["running"][0]["arms"]] == [0.25, 0.75]
    assert found["holdout"]["share"] == 0.1


def test_the_inspector_names_arm_and_release(watched):
    for number in range(1, 30):
        arm = watched.get(f"/v1/users/{number}/arm")
        if arm["arm"] == "b":
            break
    watched.get(f"/v1/users/{number}/recommendations")
    text = seen(watched, f"/users/{number}")
    assert "In arm b of experiment x." in text
    assert f"Answered by release {arm['release']}." in text
    assert "<td>x/b</td>" in text


def test_a_week_that_changes_is_read_again_and_a_broken_one_told(
    released, tmp_path, opening, putting_weeks
):
    shutil.copytree(released / "data", tmp_path / "data")
    (week,) = putting_weeks(tmp_path, 1)
    api = opening(tmp_path)
    assert api.get(f"/v1/monitoring/{week}")["alarms"] == []
    store = FileReportStore(tmp_path / "data" / "reports")
    alarm = {"check": "robots", "subject": "actions", "text": "A robot.", "level": "warning"}
    store.put(week, {ALARMS: json.dumps([alarm]).encode()})
    assert api.get(f"/v1/monitoring/{week}") == {
        "week": week,
        "figures": [],
        "alarms": [alarm],
        "goals": [],
    }
    assert "A robot." in seen(api, "/monitoring")
    assert "no-release" not in seen(api, "/report")
    store.put(week, {FIGURES: b"no parquet"})
    assert api.get(f"/v1/monitoring/{week}", 500)["type"] == "/problems/broken-week"
    assert api.get("/v1/monitoring/weeks")["weeks"][0]["broken"]
    assert "The figures of this week cannot be read." in seen(api, "/monitoring")
    api.close()
