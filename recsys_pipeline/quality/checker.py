"""A checker that lets Great Expectations judge, and publishes what it found as Data Docs."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from recsys_pipeline.contracts import Contract, RuleContext
from recsys_pipeline.errors import DataError
from recsys_pipeline.pipeline.protocols import CheckLimits, CheckReport, CheckResult
from recsys_pipeline.quality import gx
from recsys_pipeline.quality.docs import Validation, build
from recsys_pipeline.quality.plan import PlannedCheck, plan_checks
from recsys_pipeline.quality.suite import CHECK_NAME, evaluated_frame, expectation_suite

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )
    from great_expectations.data_context import EphemeralDataContext

_RESULT_FORMAT: Final = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""Counts only: no value, index or sample of a row."""


class GreatExpectationsChecker:
    """Checks tables with Great Expectations, which the first check imports (seconds).

    Args:
        docs_folder: where `build_docs` writes the Data Docs site; None for no site.
    """

    def __init__(self, docs_folder: Path | None) -> None:
        self._docs_folder = docs_folder
        self._context: EphemeralDataContext | None = None
        self._validations: dict[str, Validation] = {}

    def check(
        self,
        contract: Contract,
        frame: pd.DataFrame,
        context: RuleContext,
        limits: CheckLimits,
        previous_rows: int | None,
    ) -> CheckReport:
        """Check `frame`, which is not changed. See `pipeline.protocols.Checker`.

        Raises:
            DataError: Great Expectations could not evaluate a check.
        """
        checks = plan_checks(contract, frame, context, limits, previous_rows)
        evaluated = evaluated_frame(contract, frame, checks, context)
        suite = expectation_suite(contract, evaluated, checks, context)
        validation = self._validate(evaluated, suite)
        found = {
            result.expectation_config.meta[CHECK_NAME]: result for result in validation.results
        }
        report = CheckReport(
            contract.name,
            len(frame),
            tuple(_result(contract, check, found[check.name]) for check in checks),
        )
        self._validations[contract.name] = Validation(suite, validation, context.as_of)
        return report

    def _validate(
        self, evaluated: pd.DataFrame, suite: "ExpectationSuite"
    ) -> "ExpectationSuiteValidationResult":
        if self._context is None:
            self._context = gx.context()
        sources = self._context.data_sources
        # The data source holds on to the frame, so it is removed as soon as it was evaluated.
        source = sources.add_pandas(suite.name)
        try:
            asset = source.add_dataframe_asset(suite.name)
            batches = asset.add_batch_definition_whole_dataframe(suite.name)
            batch = batches.get_batch({"dataframe": evaluated})
            return batch.validate(suite, result_format=_RESULT_FORMAT)
        finally:
            sources.delete(suite.name)

    def build_docs(self) -> Path | None:
        """Write the Data Docs site: an index, and for each table a page of its suite and one of
        its newest validation.

        The site holds the newest validation of each table, also of those that another checker
        with the same folder checked; older ones are replaced, so that it does not grow. Running
        it again changes nothing but the time stamps of the pages. The pages hold counts and
        shares, no row; they fetch their styles from public servers.

        Returns:
            path of index.html; None where the checker has no folder for it.

        Raises:
            SetupError: the folder cannot be written, or a page could not be made.
        """
        return None if self._docs_folder is None else build(self._docs_folder, self._validations)


def _result(
    contract: Contract, check: PlannedCheck, result: "ExpectationValidationResult"
) -> CheckResult:
    raised = _raised(result.exception_info or {})
    if raised:
        raise DataError(
            f"{contract.name}: the check {check.name} could not be evaluated ({raised})",
            "Make sure that the column has the kind of values that the data dictionary names.",
        )
    passed = bool(result.success)
    count = result.result.get("unexpected_count", 0 if passed else 1)
    return check.result(int(count), passed)


def _raised(info: Mapping[str, Any]) -> str:
    """The message of the exception that an evaluation met, empty if none.

    Great Expectations gives either one account of it or one for each metric that failed.
    """
    accounts = [info] if "raised_exception" in info else list(info.values())
    return "; ".join(str(a["exception_message"]) for a in accounts if a["raised_exception"])
