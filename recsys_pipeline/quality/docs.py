"""Data Docs: a static site of what the checks demanded and found."""

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from recsys_pipeline.errors import SetupError
from recsys_pipeline.quality import gx
from recsys_pipeline.quality.index_page import EXPECTATIONS, VALIDATIONS, index_page

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
    )
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context import EphemeralDataContext

_TRACKED_LOGO: Final = re.compile(r"https://[^\"']*/logo-long\.png\?[^\"']*")
"""The logo of each page: it tells its maker the time and the id of the context at each view."""

_INDEX: Final = "index.html"
_LOGO: Final = Path("static", "images", "logo-long.png")


@dataclass(frozen=True, slots=True)
class Validation:
    """The newest validation of a table, and the moment that it looked from."""

    suite: "ExpectationSuite"
    result: "ExpectationSuiteValidationResult"
    as_of: pd.Timestamp | None


def build(folder: Path, validations: Mapping[str, Validation]) -> Path:
    """Put `validations` in the place of older ones of the same tables, and write the site.

    Args:
        folder: of the site; made if need be.
        validations: by name of the table.

    Returns:
        path of index.html.

    Raises:
        SetupError: the folder cannot be written, or a page could not be made.
    """
    try:
        context = gx.context(folder)
        _remove(folder, validations, context.validation_results_store_name)
        pages = _store(context, validations)
        context.build_data_docs()
        _use_local_logo(folder)
        # That of Great Expectations is drawn by scripts from a public server: empty without one.
        results = folder / gx.RESULTS / context.validation_results_store_name
        (folder / _INDEX).write_text(index_page(results), encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"{folder}: the Data Docs cannot be written ({error.strerror})",
            "Make the folder writable or choose another one for the Data Docs.",
        ) from error
    # Great Expectations only logs it when it cannot render a page.
    absent = [str(page) for page in pages if not (folder / page).exists()]
    if absent:
        raise SetupError(
            f"{folder}: Great Expectations could not make {', '.join(absent)}",
            "The log says why; the checks themselves are not affected.",
        )
    return folder / _INDEX


def _remove(folder: Path, tables: Iterable[str], results: str) -> None:
    """Remove the earlier validation of each of `tables`: the result, and the page of it."""
    for table in tables:
        for parent in (folder / VALIDATIONS, folder / gx.RESULTS / results):
            if (parent / table).exists():
                shutil.rmtree(parent / table)


def _store(context: "EphemeralDataContext", validations: Mapping[str, Validation]) -> list[Path]:
    """Store suites and results; the pages that are to come of them, relative to the site."""
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    pages = []
    for table, validation in validations.items():
        context.suites.add_or_update(validation.suite)
        run = _run(validation.as_of)
        result = validation.result
        result.meta |= {"run_id": run, "validation_time": run.run_time}
        suite = ExpectationSuiteIdentifier(table)
        key = ValidationResultIdentifier(suite, run, result.batch_id)
        context.validation_results_store.store_validation_results(result, key, suite)
        pages += [
            Path(EXPECTATIONS, f"{table}.html"),
            Path(VALIDATIONS, *key.to_tuple()).with_suffix(".html"),
        ]
    return pages


def _run(as_of: pd.Timestamp | None) -> "RunIdentifier":
    """The run that a validation belongs to: named and dated by `as_of`, else the time of day."""
    from great_expectations.core.run_identifier import RunIdentifier

    if as_of is None:
        return RunIdentifier(run_name="no_as_of")
    return RunIdentifier(run_name=f"as_of_{as_of:%Y-%m-%d}", run_time=as_of.to_pydatetime())


def _use_local_logo(folder: Path) -> None:
    sections = (folder / EXPECTATIONS, folder / VALIDATIONS)
    for page in (page for at in sections for page in at.rglob("*.html")):
        logo = Path(os.path.relpath(folder / _LOGO, page.parent)).as_posix()
        text = page.read_text(encoding="utf-8")
        page.write_text(_TRACKED_LOGO.sub(logo, text), encoding="utf-8")
