"""A checker without Great Expectations: for a quick look, and the fake and oracle in tests."""

import pandas as pd

from recsys_pipeline.contracts import Contract, RuleContext, violations
from recsys_pipeline.pipeline.protocols import CheckLimits, CheckReport
from recsys_pipeline.quality.plan import ColumnExists, PlannedCheck, RowsAtLeast, plan_checks


class PlainChecker:
    """Counts with `contracts.violations`, the function that the quarantine uses."""

    def check(
        self,
        contract: Contract,
        frame: pd.DataFrame,
        context: RuleContext,
        limits: CheckLimits,
        previous_rows: int | None,
    ) -> CheckReport:
        """Check `frame`, which is not changed. See `pipeline.protocols.Checker`."""

        def broken(check: PlannedCheck) -> int:
            match check.condition:
                case ColumnExists(column):
                    return int(column not in frame.columns)
                case RowsAtLeast(minimum):
                    return int(check.rows < minimum)
                case rule:
                    return int(violations(contract, frame, rule, context).sum())

        results = []
        for check in plan_checks(contract, frame, context, limits, previous_rows):
            count = broken(check)
            results.append(check.result(count, passed=count <= check.allowed_rows))
        return CheckReport(contract.name, len(frame), tuple(results))
