"""The figures of the API among those of the week."""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from recsys_pipeline.evaluation.intervals import Interval
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.availability import Reliability
from recsys_pipeline.monitoring.rows import cannot_tell, count_row

LATENCIES: Final = {names.LATENCY_P50: "p50", names.LATENCY_P95: "p95", names.LATENCY_P99: "p99"}


def reliability_rows(now: Reliability | None, before: Reliability | None) -> list[dict[str, Any]]:
    """Availability, error rate and latency; ``n`` is answers here, as nobody counts their users.

    The interval of a change is Newcombe's from Wilson's two (method 10 of Newcombe, Interval
    estimation for the difference between independent proportions, Statistics in Medicine 1998).
    """
    metrics = (names.AVAILABILITY, names.ERROR_RATE, *LATENCIES)
    if now is None or not now.answers:
        return [cannot_tell(metric) for metric in metrics]
    old = before if before is not None and before.answers else None
    past = None if old is None else old.availability
    rows = [
        _share_row(names.AVAILABILITY, now.availability, past),
        _share_row(
            names.ERROR_RATE,
            _complement(now.availability),
            None if past is None else _complement(past),
        ),
    ]
    for metric, attribute in LATENCIES.items():
        value = float(getattr(now, attribute))
        then = float("nan") if old is None else float(getattr(old, attribute))
        row = count_row(metric, names.ALL, "", value, then, now.answers)
        # What lies beyond the last bound cannot be compared.
        row[names.CHANGE] = value - then if np.isfinite(value) else float("nan")
        rows.append(row)
    return rows


def _share_row(metric: str, now: Interval, before: Interval | None) -> dict[str, Any]:
    row = count_row(metric, names.ALL, "", now.mean, float("nan"), now.n)
    row |= {names.LOW: now.low, names.HIGH: now.high}
    if before is not None:
        change = now.mean - before.mean
        down = np.hypot(now.mean - now.low, before.high - before.mean)
        up = np.hypot(now.high - now.mean, before.mean - before.low)
        row |= {
            names.BEFORE: before.mean,
            names.CHANGE: change,
            names.CHANGE_LOW: change - float(down),
            names.CHANGE_HIGH: change + float(up),
        }
    return row


def _complement(share: Interval) -> Interval:
    return replace(share, mean=1 - share.mean, low=1 - share.high, high=1 - share.low)
