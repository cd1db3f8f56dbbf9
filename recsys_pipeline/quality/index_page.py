"""The first page of the Data Docs: every table with every check; plain HTML, nothing fetched."""

import json
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any, Final

from recsys_pipeline.quality.suite import CHECK_NAME

EXPECTATIONS: Final = "expectations"
VALIDATIONS: Final = "validations"
"""Folders of the site, named by Great Expectations."""

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data checks</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
        padding: 0 1rem; color: #1f2933; background: #fff; }}
table {{ border-collapse: collapse; width: 100%; margin: .5rem 0 2rem; }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #d5dae0;
          vertical-align: top; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
.failed {{ color: #a61b1b; font-weight: bold; }}
a {{ color: #0b5394; }}
</style>
</head>
<body>
<h1>Data checks</h1>
<p>What was demanded of each table as it was read, before any row was set aside, and what was
found.</p>
{sections}
</body>
</html>
"""

_SECTION: Final = """<h2 id="{table}">{table}</h2>
<p>{rows} rows, {when}. {met} of {checks} checks are met.
Great Expectations on this: <a href="{validation}">the result</a>,
<a href="{suite}">the expectations</a>.</p>
<table>
<thead><tr><th>check</th><th>demanded</th><th class="number">rows looked at</th>
<th class="number">broken</th><th class="number">may break it</th><th>met</th></tr></thead>
<tbody>
{lines}
</tbody>
</table>"""


def index_page(results: Path) -> str:
    """HTML of the newest validation of each table.

    Args:
        results: folder in which Great Expectations stores them, one JSON file for each table, at
            the place that the table's page has within the validations of the site.
    """
    stored = sorted(path.relative_to(results) for path in results.rglob("*.json"))
    sections = (
        _section(json.loads((results / path).read_text(encoding="utf-8")), path) for path in stored
    )
    return _PAGE.format(sections="\n".join(sections))


def _section(result: Mapping[str, Any], path: Path) -> str:
    table, checks = result["suite_name"], result["results"]
    run = result["meta"]["run_id"]["run_name"]
    return _SECTION.format(
        table=escape(table),
        rows=_rows_of(checks),
        when=escape(run.replace("_", " ")),
        met=sum(bool(check["success"]) for check in checks),
        checks=len(checks),
        validation=escape(Path(VALIDATIONS, path).with_suffix(".html").as_posix()),
        suite=escape(Path(EXPECTATIONS, f"{table}.html").as_posix()),
        lines="\n".join(_line(check) for check in checks),
    )


def _rows_of(checks: Iterable[Mapping[str, Any]]) -> str:
    """The number of rows that the check of that number saw."""
    observed = (check["result"].get("observed_value") for check in checks)
    return next((f"{count:,}" for count in observed if count is not None), "No")


def _line(check: Mapping[str, Any]) -> str:
    """One row of the table of checks; without counts for a condition on the whole table."""
    config, result = check["expectation_config"], check["result"]
    looked = broken = allowed = ""
    if "unexpected_count" in result:
        rows = result["element_count"] - result.get("missing_count", 0)
        share = 1 - config["kwargs"].get("mostly", 1.0)
        looked, broken = f"{rows:,}", f"{result['unexpected_count']:,}"
        allowed = f"{round(share * rows):,}"
    name, blocks = config["meta"][CHECK_NAME], config["severity"] == "critical"
    no = "no, stops the run" if blocks else "no, a warning"
    met = "<td>yes</td>" if check["success"] else f'<td class="failed">{no}</td>'
    return (
        f"<tr><td>{escape(name)}</td><td>{escape(config['notes'])}</td>"
        f'<td class="number">{looked}</td><td class="number">{broken}</td>'
        f'<td class="number">{allowed}</td>{met}</tr>'
    )
