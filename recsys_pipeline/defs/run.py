"""One week from the command line: the same job, in this process."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import dagster as dg
import pandas as pd
from dagster._utils.error import SerializableErrorInfo

from recsys_pipeline import errors
from recsys_pipeline.contracts import TOP_N
from recsys_pipeline.defs.build import build_definitions
from recsys_pipeline.defs.doors import OPTIONS, REAL, Makers
from recsys_pipeline.defs.jobs import AS_OF_TAG, JOB
from recsys_pipeline.defs.partitions import partition_of
from recsys_pipeline.errors import RecsysError
from recsys_pipeline.settings import Settings

QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Run config: nothing of Dagster's log is printed; it is kept all the same."""


_INTERRUPTS: Final = ("KeyboardInterrupt", "DagsterExecutionInterruptedError")


@dataclass(frozen=True)
class StepEvent:
    """Something that happened in a run.

    Attributes:
        kind: ``started``, ``finished`` or ``failed`` (a step), ``log`` (a line of a step), or
            ``check`` (a check failed).
        step: name of the step.
        text: the line, or the name of the check.
        seconds: how long the step took, where it has ended.
        figures: of a check: how many rows do not meet it; empty for a rule of the whole table.
    """

    kind: str
    step: str
    text: str = ""
    seconds: float | None = None
    figures: str = ""


@dataclass(frozen=True)
class WeekResult:
    """What became of one run.

    Attributes:
        run_id: of Dagster's run.
        week: the partition.
        metadata: what each asset attached, by asset name; numbers and texts only.
        seconds: how long each step took.
    """

    run_id: str
    week: str
    metadata: Mapping[str, Mapping[str, Any]]
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def release(self) -> Mapping[str, Any]:
        """What was attached to the lists: release, promoted, why, verdict and more."""
        return self.metadata[TOP_N.name]


def run_weekly(
    settings: Settings,
    as_of: pd.Timestamp | None,
    sample: float = 1.0,
    overrides: Mapping[str, Any] | None = None,
    instance: dg.DagsterInstance | None = None,
    on_event: Callable[[StepEvent], None] | None = None,
    makers: Makers = REAL,
) -> WeekResult:
    """Run the weekly job for the week that `as_of` belongs to.

    Args:
        settings: of the installation.
        as_of: the moment to look from; None where the data have no time.
        sample: share of the users.
        overrides: learning settings that differ in this run, nested like the settings.
        instance: where the run is recorded; None forgets it.
        on_event: is told what happens, as it happens.
        makers: how checker, tracker and release store are made.

    Raises:
        SettingsError: an option is not valid, or `as_of` lies outside the weeks.
        RecsysError: what a step raised.
        KeyboardInterrupt: somebody stopped it; what was in service stays.
        RuntimeError: a step failed in a way that is nobody's mistake but ours; its notes hold
            the traceback.
    """
    week = partition_of(as_of, settings)
    options = {
        "as_of": None if as_of is None else as_of.isoformat(),
        "sample": sample,
        "learning": dict(overrides or {}),
    }
    job = build_definitions(settings, makers=makers).resolve_job_def(JOB)
    run_id, watch = str(uuid4()), _Watch(on_event)
    with _or_ephemeral(instance) as recorded:
        recorded.add_event_listener(run_id, watch)
        result = job.execute_in_process(
            run_config={**QUIET, "resources": {OPTIONS: {"config": options}}},
            instance=recorded,
            partition_key=week,
            raise_on_error=False,
            run_id=run_id,
            tags={AS_OF_TAG: options["as_of"] or "none"},
        )
    if not result.success:
        raise _error_of(result)
    return WeekResult(run_id, week, _metadata(result), watch.seconds)


@contextmanager
def _or_ephemeral(instance: dg.DagsterInstance | None) -> Iterator[dg.DagsterInstance]:
    if instance is not None:
        yield instance
        return
    with dg.DagsterInstance.ephemeral() as made:
        yield made


class _Watch:
    """Turns Dagster's events into `StepEvent`."""

    def __init__(self, tell: Callable[[StepEvent], None] | None) -> None:
        self._tell = tell
        self._started: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    def __call__(self, entry: dg.EventLogEntry) -> None:
        event = self._step_event(entry)
        if event is None:
            return
        if event.seconds is not None:
            self.seconds[event.step] = event.seconds
        if self._tell is not None:
            self._tell(event)

    def _step_event(self, entry: dg.EventLogEntry) -> StepEvent | None:
        step, found = entry.step_key, entry.dagster_event
        if step is None:
            return None
        if found is None:
            line = entry.level == logging.INFO
            return StepEvent("log", step, entry.user_message) if line else None
        match found.event_type:
            case dg.DagsterEventType.STEP_START:
                self._started[step] = entry.timestamp
                return StepEvent("started", step)
            case dg.DagsterEventType.STEP_SUCCESS:
                return StepEvent("finished", step, seconds=entry.timestamp - self._started[step])
            case dg.DagsterEventType.STEP_FAILURE:
                return StepEvent("failed", step)
            case dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                check = found.asset_check_evaluation_data
                text = f"{check.asset_key.path[-1]}: {check.check_name}"
                if check.passed:
                    return None
                return StepEvent("check", step, text, figures=_figures(check.metadata))
        return None


def _figures(metadata: Mapping[str, dg.MetadataValue]) -> str:
    """How many rows do not meet a check, as its metadata say."""
    if "broken" not in metadata or "rows" not in metadata:
        return ""
    broken, rows = metadata["broken"].value, metadata["rows"].value
    return f"{broken:,} of {rows:,} rows"  # type: ignore[str-bytes-safe]


def _metadata(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for event in result.get_asset_materialization_events():
        made = event.materialization
        found[made.asset_key.path[-1]] = {
            name: value.value
            for name, value in made.metadata.items()
            if isinstance(value.value, bool | int | float | str)
            and not isinstance(value, dg.MarkdownMetadataValue)
        }
    return found


def _error_of(result: dg.ExecuteInProcessResult) -> BaseException:
    """The error that a step or a resource raised; KeyboardInterrupt where somebody stopped it.

    Dagster keeps an error as text, so one of ours is made again from its class and text.
    """
    failures = [
        (event.step_key, event.event_specific_data.error)
        for event in result.all_events
        if event.is_failure and getattr(event.event_specific_data, "error", None)
    ]
    for _, error in failures:
        ours = our_error(error)
        if ours is not None:
            return ours
    if not failures:
        return RuntimeError(f"run {result.run_id} failed without saying why")
    if any(_innermost(error).cls_name in _INTERRUPTS for _, error in failures):
        return KeyboardInterrupt()
    step, error = failures[0]
    inner = _innermost(error)
    unforeseen = RuntimeError(f"{step or 'the run'} failed: {inner.message.strip()}")
    unforeseen.add_note(error.to_string())
    return unforeseen


def _innermost(error: SerializableErrorInfo) -> SerializableErrorInfo:
    while error.cause is not None:
        error = error.cause
    return error


def our_error(error: SerializableErrorInfo | None) -> RecsysError | None:
    """The `RecsysError` that an error of Dagster's is or was caused by."""
    while error is not None:
        kind = getattr(errors, error.cls_name or "", None)
        if isinstance(kind, type) and issubclass(kind, RecsysError):
            text = error.message.split(": ", 1)[1].rstrip("\n")
            message, _, hint = text.rpartition("\n  ")
            return kind(message, hint) if message else kind(text)
        error = error.cause
    return None
