"""The weekly job in one call: load, check, clean, train, judge, decide, release.

The orchestrator runs the same functions one by one; here they run in a row, for whoever needs many
weeks in one process.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, SOURCE_TABLES, USERS
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.pipeline.check import check_table, raise_if_blocked
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.deciding import Promotion, decide_promotion
from recsys_pipeline.pipeline.evaluating import (
    SHIPPED,
    EvaluationReport,
    evaluate_all,
    intervals_in,
)
from recsys_pipeline.pipeline.feature_matrix import make_feature_matrix
from recsys_pipeline.pipeline.fitting import Progress
from recsys_pipeline.pipeline.in_service import InService, refit_in_service
from recsys_pipeline.pipeline.list_checks import check_lists, raise_if_broken
from recsys_pipeline.pipeline.load import load
from recsys_pipeline.pipeline.made import Judgement, Made, Origin, release_made
from recsys_pipeline.pipeline.moving import CHAMPION
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.protocols import (
    Checker,
    CheckLimits,
    CheckReport,
    Manifest,
    ReleaseStore,
    TrackedRun,
    Tracker,
)
from recsys_pipeline.pipeline.releasing import Inputs, Outcome, in_service, put_in_service
from recsys_pipeline.pipeline.story import story
from recsys_pipeline.pipeline.tracked import (
    figures_of,
    track_evaluation,
    track_inputs,
    track_promotion,
)
from recsys_pipeline.pipeline.training import load_cuts, train
from recsys_pipeline.sources.base import Source, Tables


@dataclass(frozen=True)
class WeeklyDoors:
    """What a week needs of the outside.

    Attributes:
        source: where the tables come from.
        checker: checks them.
        tracker: keeps the run and the model.
        store: where releases lie.
        limits: how much may be wrong with the tables.
    """

    source: Source
    checker: Checker
    tracker: Tracker
    store: ReleaseStore
    limits: CheckLimits


@dataclass(frozen=True)
class Week:
    """What became of a week.

    Attributes:
        run: of the tracker; whoever has more to log finishes it.
        inputs: what the week was made from, with the recipe of the settings.
        origin: of its releases.
        tables: the clean tables, by name.
        reports: what the checks found in the mapped tables.
        quarantined: rows set aside, by table.
        data: everything known, as the served recipe reads it.
        made: what is served from now on, or lies there where a person must promote it.
        promotion: what became of the candidate.
        evaluation: what the test says of the candidate.
        outcome: of the release.
        in_service: the release in service after the week, or None.
    """

    run: TrackedRun
    inputs: Inputs
    origin: Origin
    tables: dict[str, pd.DataFrame]
    reports: tuple[CheckReport, ...]
    quarantined: Mapping[str, int]
    data: Dataset
    made: Made
    promotion: Promotion
    evaluation: EvaluationReport
    outcome: Outcome
    in_service: Manifest | None


def run_week(
    doors: WeeklyDoors,
    learning: LearningConfig,
    as_of: pd.Timestamp | None,
    name: str,
    progress: Progress,
    *,
    settings_text: str = "{}",
    started: str = "",
    detail: bool = True,
) -> Week:
    """One week, from the source to the pointer.

    Args:
        doors: to the outside.
        learning: the recipe of the settings, and how recipes are judged.
        as_of: the moment to look from.
        name: of the run in the tracker, such as the day of `as_of`.
        progress: is told each step, one line.
        settings_text: all settings as JSON, for the run.
        started: ISO time at which the run started, or empty.
        detail: whether the tracker also gets plots and a nested run for each recommender.

    Raises:
        DataError: the data must not be trained on, or the lists must not be released.
        RecsysError: whatever else a step raises.
    """
    tables = load(doors.source, as_of)
    reports = _checked(doors, tables, as_of)
    cleaned = prepare(tables, as_of, learning)
    users, movies, interactions = cleaned.users, cleaned.movies, cleaned.interactions
    clean = {USERS.name: users, MOVIES.name: movies, INTERACTIONS.name: interactions}
    rows = {table: len(frame) for table, frame in clean.items()}
    inputs = Inputs.of(doors.source.description, as_of, clean, learning, 1.0)
    run = doors.tracker.run(f"{name}-{inputs.release}", name)
    track_inputs(run, inputs, learning, rows, settings_text)

    cuts = load_cuts(users, movies, interactions, learning, as_of)
    matrix = make_feature_matrix(cuts, learning)
    trained = train(cuts, matrix, learning, progress)
    report = evaluate_all(cuts, trained, matrix, learning, progress)
    figures = figures_of(report, trained.facts) if detail else {}
    track_evaluation(run, report, trained.facts, learning, figures, nested=detail)

    opponent = refit_in_service(doors.store, users, movies, interactions, learning, as_of, progress)
    theirs = None
    if opponent.learning is not None:
        theirs = load_cuts(users, movies, interactions, opponent.learning, as_of)
    promotion = decide_promotion(cuts, trained, opponent, learning, theirs, progress)
    track_promotion(
        run,
        promotion,
        story(promotion, report.verdict.sentence, trained.facts),
        plots=detail,
    )

    judged = Judgement(
        report.headline,
        intervals_in(report.table, SHIPPED),
        report.verdict.answer,
        report.verdict.sentence,
        promotion.sentence,
    )
    data = cuts.everything
    made = Made.of(trained, inputs, judged, data, clean)
    wins = promotion.promoted
    if not wins and opponent.trained is not None:
        made, data = _in_service(opponent, inputs, promotion, clean, as_of)
        wins = True
    raise_if_broken(check_lists(made.lists, data, made.inputs.learning.k, made.trained.released))
    origin = Origin(run.run_id, started=started)
    outcome = release_made(doors.store, run, made, data, rows, origin, wins=wins)
    current = put_in_service(doors.store, outcome, promotion.opponent)
    if current is not None and current.model_version is not None:
        doors.tracker.set_alias(CHAMPION, current.model_version)
    progress(outcome.why)
    return Week(
        run=run,
        inputs=inputs,
        origin=origin,
        tables=clean,
        reports=reports,
        quarantined=cleaned.quarantined,
        data=data,
        made=made,
        promotion=promotion,
        evaluation=report,
        outcome=outcome,
        in_service=current,
    )


def _checked(
    doors: WeeklyDoors, tables: Tables, as_of: pd.Timestamp | None
) -> tuple[CheckReport, ...]:
    current = in_service(doors.store)
    same = current is not None and current.source == doors.source.description
    before = current if same else None
    reports = tuple(
        check_table(tables, contract.name, as_of, doors.checker, doors.limits, before)
        for contract in SOURCE_TABLES
    )
    raise_if_blocked(reports, tables, as_of)
    return reports


def _in_service(
    opponent: InService,
    inputs: Inputs,
    promotion: Promotion,
    tables: dict[str, pd.DataFrame],
    as_of: pd.Timestamp | None,
) -> tuple[Made, Dataset]:
    """The lists of the recipe in service, refitted: the candidate did not get in."""
    assert opponent.learning is not None
    assert opponent.trained is not None
    assert promotion.opponent_verdict is not None
    judged = Judgement(
        promotion.opponent_figures,
        promotion.opponent_intervals,
        promotion.opponent_verdict.answer,
        promotion.opponent_verdict.sentence,
        promotion.sentence,
    )
    own = replace(inputs, learning=opponent.learning)
    data = build_dataset(
        tables[USERS.name],
        tables[MOVIES.name],
        tables[INTERACTIONS.name],
        opponent.learning.likes,
        as_of,
    )
    return Made.of(opponent.trained, own, judged, data, tables), data
