"""Benchmark: recommenders × data sets × splits, each through the real path of learning."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Final, get_args

import pandas as pd

from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.data.splits import SplitKind
from recsys_pipeline.errors import RecsysError, SettingsError
from recsys_pipeline.evaluation.evaluate import compare
from recsys_pipeline.pipeline.benchmark_costs import Meter
from recsys_pipeline.pipeline.benchmark_judging import best_of, judge_of, judged
from recsys_pipeline.pipeline.benchmark_results import (
    Benchmark,
    Comparison,
    LeftOut,
    Protocol,
    main_metrics,
)
from recsys_pipeline.pipeline.choosing import ranker_data
from recsys_pipeline.pipeline.config import GeneratorName, LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts, make_cuts
from recsys_pipeline.pipeline.feature_matrix import make_feature_matrix
from recsys_pipeline.pipeline.fitting import Progress
from recsys_pipeline.pipeline.load import load
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.training import TrainingFacts, train
from recsys_pipeline.ranking.panel import BLEND, POPULARITY, RANDOM, TWO_STAGE
from recsys_pipeline.sources.base import Source

SPLITS: Final = ("auto", *get_args(SplitKind))
"""Names of splits that can be asked for."""
RECOMMENDERS: Final = (RANDOM, POPULARITY, *get_args(GeneratorName), BLEND, TWO_STAGE)
"""Names of recommenders that can be asked for."""
PROTOCOLS: Final = get_args(Protocol)

_GENERATORS: Final = get_args(GeneratorName)


@dataclass(frozen=True)
class DataSet:
    """A data set to measure on.

    Attributes:
        name: for people, without a line break.
        source: where it comes from; it is read and nothing is written.
        as_of: the moment to look from; None where the data have no time.
    """

    name: str
    source: Source
    as_of: pd.Timestamp | None


def known_names(kind: str, given: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """`given` without repetition.

    Args:
        kind: what is named, such as ``split``.
        given: the names that the user gave.
        known: those that there are.

    Raises:
        SettingsError: a name is not known, or none is given.
    """
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            guess = f"Did you mean '{close[0]}'? " if close else ""
            raise SettingsError(
                f"unknown {kind} {name!r}.", f"{guess}There are {', '.join(known)}."
            )
    if not given:
        raise SettingsError(f"no {kind} is named.", f"There are {', '.join(known)}.")
    return tuple(dict.fromkeys(given))


def benchmark(
    data_sets: Sequence[DataSet],
    splits: Sequence[str],
    learning: LearningConfig,
    progress: Progress,
    *,
    recommenders: Sequence[str] | None = None,
    protocol: Protocol = "full",
) -> Benchmark:
    """Judge recommenders on every data set under every split.

    A data set that cannot be read, and a split that the data do not allow, are left out and named.

    Args:
        data_sets: read one after another.
        splits: of `SPLITS`.
        learning: the settings, the same for all data sets; split and primary are set here.
        progress: is told each step, one line.
        recommenders: of `RECOMMENDERS`; None is all that the settings train. Popularity is always
            there.
        protocol: see `Protocol`.

    Raises:
        SettingsError: a name is not known.
    """
    known_names("split", splits, SPLITS)
    known_names("protocol", [protocol], PROTOCOLS)
    if recommenders is not None:
        known_names("recommender", recommenders, RECOMMENDERS)
    found: list[Comparison] = []
    missing: list[LeftOut] = []

    def leave_out(name: str, kind: str, error: RecsysError) -> None:
        missing.append(LeftOut(name, kind, error.message))
        where = f"{name}, {kind}" if kind else name
        progress(f"{where}: left out, {error.message}")

    for data_set in data_sets:
        try:
            data = read(data_set, learning)
        except RecsysError as error:
            leave_out(data_set.name, "", error)
            continue
        for kind in splits:
            settings = settings_for(learning, kind, recommenders)
            tell = _prefixed(progress, f"{data_set.name}, {kind}: ")
            try:
                cuts = make_cuts(data, settings)
                made = compare_on(cuts, settings, tell, recommenders, protocol)
            except RecsysError as error:
                leave_out(data_set.name, kind, error)
                continue
            found.append(replace(made, data_set=data_set.name, asked=kind))
    return Benchmark(tuple(found), tuple(missing), protocol)


def read(data_set: DataSet, learning: LearningConfig) -> Dataset:
    """The data set cleaned as a weekly run cleans it, in memory.

    Raises:
        RecsysError: it cannot be read, holds no interaction, or lacks what the settings ask for.
    """
    tables = prepare(load(data_set.source, data_set.as_of), data_set.as_of, learning)
    return build_dataset(
        tables.users, tables.movies, tables.interactions, learning.likes, data_set.as_of
    )


def settings_for(
    learning: LearningConfig, split: str, recommenders: Sequence[str] | None
) -> LearningConfig:
    """`learning` with one split, the choice left to the window, and what is asked for trained.

    A blend and the two-stage recommender rest on the generators of the settings beside those that
    are named; else those that are named are trained and no others.
    """
    evaluation = learning.evaluation.model_copy(update={"split": split})
    changes = {"evaluation": evaluation, "primary": "auto"}
    if recommenders is not None:
        named = tuple(name for name in recommenders if name in _GENERATORS)
        mixed = {BLEND, TWO_STAGE} & set(recommenders)
        use = tuple(dict.fromkeys((*learning.recommenders.use, *named))) if mixed else named
        changes["recommenders"] = learning.recommenders.model_copy(update={"use": use})
        kind = "boosting" if TWO_STAGE in recommenders else "none"
        changes["ranker"] = learning.ranker.model_copy(update={"kind": kind})
    return learning.model_copy(update=changes)


def compare_on(
    cuts: Cuts,
    learning: LearningConfig,
    progress: Progress,
    recommenders: Sequence[str] | None = None,
    protocol: Protocol = "full",
) -> Comparison:
    """Train on the cuts of one data set, and judge.

    Args:
        cuts: of one data set under one split.
        learning: from `settings_for`.
        progress: is told each step, one line.
        recommenders: those to show; None is all.
        protocol: see `Protocol`.

    Returns:
        the comparison, with no name of a data set yet.

    Raises:
        DataError: nothing is held out that lists could be judged by.
        ModelError: a recommender cannot be fitted.
    """
    judge, allowed = judge_of(cuts, learning, protocol)
    started = perf_counter()
    matrix = make_feature_matrix(cuts, learning)
    trained = train(cuts, matrix, learning, progress)
    seconds = perf_counter() - started
    model = trained.evaluated
    panel = model.panel
    wanted = RECOMMENDERS if recommenders is None else {*recommenders, POPULARITY}
    shown = [name for name in panel.names if name in wanted]
    evaluations = judged(judge, model, shown, allowed)
    progress(f"{len(shown)} recommenders judged by {len(judge.users):,} users")
    metrics = main_metrics(judge.deciding.name, learning.k)
    pairs = None if panel.ranker is None else ranker_data(matrix, cuts, panel, learning)
    meter = Meter(panel, cuts.train, judge.users, allowed, trained.facts.seconds, pairs, learning)
    costs = meter.costs(shown)
    progress("seconds and memory measured")
    data = cuts.everything
    return Comparison(
        data_set="",
        asked=cuts.outer.kind,
        split=cuts.outer.kind,
        reason=cuts.outer.reason,
        n_users=data.n_users,
        n_movies=data.n_items,
        n_interactions=len(data.events),
        n_judged=len(judge.users),
        k=learning.k,
        deciding=judge.deciding.name,
        deciding_reason=judge.deciding.reason,
        figures=compare(evaluations, judge.rng(0), baseline=POPULARITY),
        best={metric: best_of(evaluations, metric, judge.rng(4)) for metric in metrics},
        costs=costs,
        released=next((name for name in trained.facts.window_figures if name in shown), POPULARITY),
        left_out=_missing(trained.facts, shown, recommenders),
        seconds=seconds,
    )


def _missing(
    facts: TrainingFacts, shown: Sequence[str], recommenders: Sequence[str] | None
) -> dict[str, str]:
    """Recommenders that were asked for and are not there, and why."""
    found = {
        BLEND: "on the window one recommender alone is as good as any blend",
        TWO_STAGE: "the window has no pairs of both kinds to learn to rank from",
    } | dict(facts.left_out)
    wanted = found if recommenders is None else recommenders
    return {name: found[name] for name in wanted if name in found and name not in shown}


def _prefixed(progress: Progress, prefix: str) -> Progress:
    return lambda text: progress(prefix + text)
