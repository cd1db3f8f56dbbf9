"""The Data Docs site: what is in it, what is not, and that it does not grow."""

import re
from pathlib import Path

import pandas as pd
import pytest

from recsys_pipeline.contracts import RuleContext
from recsys_pipeline.errors import SetupError
from recsys_pipeline.pipeline.protocols import CheckLimits
from recsys_pipeline.quality import GreatExpectationsChecker

MARKER = "mk7391"
NUMBER_MARKER = 7391.5713


def contents(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def checked(
    folder: Path, tables: dict, context: RuleContext, *names: str
) -> GreatExpectationsChecker:
    checker = GreatExpectationsChecker(folder)
    for name in names:
        contract, frame = tables[name]
        checker.check(contract, frame, context, CheckLimits(), None)
    return checker


@pytest.fixture
def later(context: RuleContext) -> RuleContext:
    assert context.as_of is not None
    return RuleContext(context.as_of + pd.Timedelta(weeks=1), context.keys)


def test_there_is_an_index_and_a_page_for_each_suite_and_validation(
    gx_checker: GreatExpectationsChecker, tables: dict, context: RuleContext, tmp_path: Path
) -> None:
    for contract, frame in tables.values():
        gx_checker.check(contract, frame, context, CheckLimits(), None)
    index = gx_checker.build_docs()
    assert index == tmp_path / "docs" / "index.html"
    pages = {page for page in contents(tmp_path / "docs") if page.endswith(".html")}
    run = "as_of_2024-01-01/20240101T000000.000000Z"
    assert pages == {
        "index.html",
        *(f"expectations/{table}.html" for table in tables),
        *(f"validations/{table}/{run}/{table}-{table}.html" for table in tables),
    }
    for page in pages - {"index.html"}:
        assert page in index.read_text(encoding="utf-8"), page
    suite = (tmp_path / "docs" / "expectations" / "interactions.html").read_text(encoding="utf-8")
    assert "rating is 0.5 to 5 stars" in suite


def test_no_value_of_any_row_gets_into_results_or_pages(
    gx_checker: GreatExpectationsChecker, tables: dict, context: RuleContext, tmp_path: Path
) -> None:
    for name, (contract, frame) in tables.items():
        frame = frame.copy()
        for column in frame.columns:
            if frame[column].dtype == "str":
                frame[column] = f"{MARKER}-{column}"
            elif frame[column].dtype == "float64":
                frame[column] = NUMBER_MARKER
            elif frame[column].dtype == "Int64":
                frame[column] = int(NUMBER_MARKER)
        report = gx_checker.check(contract, frame, context, CheckLimits(), None)
        assert len(report.failures) >= 3, name
        assert MARKER not in repr(report)
        assert "7391" not in repr(report)
    gx_checker.build_docs()
    made = [path for path in (tmp_path / "docs").rglob("*") if path.is_file()]
    assert len(made) > len(tables)
    for path in made:
        assert MARKER.encode() not in path.read_bytes(), path
        if path.suffix in {".html", ".json"}:
            assert b"7391.5" not in path.read_bytes(), path


def test_pages_do_not_tell_anybody_that_they_are_read(
    gx_checker: GreatExpectationsChecker, tables: dict, context: RuleContext, tmp_path: Path
) -> None:
    contract, frame = tables["movies"]
    gx_checker.check(contract, frame, context, CheckLimits(), None)
    gx_checker.build_docs()
    pages = list((tmp_path / "docs").rglob("*.html"))
    assert len(pages) == 3
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "dataContextId" not in text
        assert ("static/images/logo-long.png" in text) != (page.name == "index.html")


def test_the_index_says_everything_without_a_network(
    gx_checker: GreatExpectationsChecker, tables: dict, context: RuleContext, tmp_path: Path
) -> None:
    reports = [
        gx_checker.check(contract, frame, context, CheckLimits(), None)
        for contract, frame in tables.values()
    ]
    index = gx_checker.build_docs()
    text = index.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "//" not in text
    for page in re.findall('href="([^"]+)"', text):
        assert (index.parent / page).is_file(), page
    for report in reports:
        section = text.split(f'<h2 id="{report.table}">')[1].split("</table>")[0]
        met = len(report.results) - len(report.failures)
        assert f"{report.rows:,} rows, as of 2024-01-01. {met} of {len(report.results)}" in section
        for result in report.results:
            line = next(each for each in section.split("<tr>") if f"<td>{result.name}<" in each)
            assert f"<td>{result.text}</td>" in line
            assert ("<td>yes</td>" in line) == result.passed
            assert ("stops the run" in line) == (result.blocking and not result.passed)
            if not result.observed:
                assert f">{result.broken}</td>" in line
    users = text.split('<h2 id="users">')[1]
    age = next(each for each in users.split("<tr>") if "<td>age.out_of_range<" in each)
    numbers = re.findall(r'class="number">(\d+)<', age)
    assert numbers == ["19", "2", "1"]


def test_weeks_later_the_site_is_as_large_as_before(
    great_expectations: None,
    tables: dict,
    context: RuleContext,
    later: RuleContext,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "docs"
    checked(folder, tables, context, "users").build_docs()
    before = contents(folder)
    checker = checked(folder, tables, later, "users")
    checker.build_docs()
    assert [path for path in contents(folder) if "as_of_2024-01-01" in path] == []
    assert len(contents(folder)) == len(before)
    checker.build_docs()
    assert len(contents(folder)) == len(before)


def test_tables_that_another_checker_checked_stay(
    great_expectations: None,
    tables: dict,
    context: RuleContext,
    later: RuleContext,
    tmp_path: Path,
) -> None:
    checked(tmp_path, tables, context, "users", "movies").build_docs()
    checked(tmp_path, tables, later, "movies").build_docs()
    pages = [page for page in contents(tmp_path / "validations") if page.endswith(".html")]
    assert [page.split("/")[:2] for page in pages] == [
        ["movies", "as_of_2024-01-08"],
        ["users", "as_of_2024-01-01"],
    ]


def test_data_without_time_are_published_too(
    great_expectations: None, tables: dict, context: RuleContext, tmp_path: Path
) -> None:
    checker = checked(tmp_path, tables, RuleContext(None, context.keys), "interactions")
    assert checker.build_docs() == tmp_path / "index.html"
    assert (tmp_path / "validations" / "interactions" / "no_as_of").exists()
    suite = (tmp_path / "expectations" / "interactions.html").read_text(encoding="utf-8")
    assert "as_of" not in suite


def test_without_a_folder_there_is_no_site() -> None:
    assert GreatExpectationsChecker(None).build_docs() is None


def test_a_folder_that_cannot_be_written_is_named(
    great_expectations: None, tables: dict, context: RuleContext, tmp_path: Path
) -> None:
    (tmp_path / "docs").write_text("a file")
    checker = checked(tmp_path / "docs", tables, context, "movies")
    with pytest.raises(SetupError, match=r"docs: the Data Docs cannot be written"):
        checker.build_docs()
