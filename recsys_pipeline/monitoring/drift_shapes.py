"""Drift of shapes: how values are distributed, against what the release was trained on."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import ceil
from typing import Final

import numpy as np
from scipy.stats import poisson

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring import checks
from recsys_pipeline.monitoring.comparison import Comparison
from recsys_pipeline.monitoring.distance import (
    Difference,
    changed_p,
    difference,
    missing_difference,
)
from recsys_pipeline.monitoring.profile import ACTIONS, BEHAVIOUR, TOP_N, Profile
from recsys_pipeline.monitoring.recommender import same_recommender
from recsys_pipeline.monitoring.shapes import Shape

_TABLES: Final = (USERS.name, MOVIES.name, INTERACTIONS.name)
_PRICE_WORDS: Final = ("price", "cost", "attention")

_LISTS_WEEKS: Final = 2
"""How often lists must have been made anew before their distributions are compared."""
_FRESH_SHARE: Final = 0.02
"""Rows of a whole table that may be new or changed in a week, at least."""


def shifts(
    now: Profile, reference: Profile, recent: Sequence[Profile], least: float
) -> Iterator[Comparison]:
    """How values are distributed, against the reference."""
    same = same_recommender(now, reference)
    for subject, shape in now.shapes.items():
        then = reference.shapes.get(subject)
        if then is None or (subject.startswith(f"{TOP_N}.") and not same):
            continue
        if shape.is_number != then.is_number and shape.total and then.total:
            yield _other_kind(subject, shape)
            continue
        found = difference(shape, then)
        if not found.freedom:
            continue
        usual = _usual(subject, recent, difference)
        if subject.startswith(f"{TOP_N}.") and len(usual) < _LISTS_WEEKS:
            # Lists differ by what was learned, not by chance over users: nobody knows how much.
            continue
        yield Comparison(
            check=_shift_check(subject),
            subject=subject,
            statistic="distribution",
            value=found.distance,
            threshold=least,
            large=found.distance >= least,
            p=found.p(usual),
            text=f"{subject} is distributed otherwise than when the release was trained: "
            f"{_most_changed(shape, then)} (distance {found.distance:.2f}, alarm from {least:g}). "
            + (
                "Look whether another recipe was promoted; if not, compare the two releases."
                if subject.startswith(f"{TOP_N}.")
                else "Look what changed in the source; if it is meant, train again."
            ),
        )


def missing(
    now: Profile, reference: Profile, recent: Sequence[Profile], least: float
) -> Iterator[Comparison]:
    """Missing values and missing columns of the source's tables, against the reference."""
    for subject, then in reference.shapes.items():
        table = subject.split(".")[0]
        if table not in _TABLES:
            continue
        shape = now.shapes.get(subject)
        check = f"{table}_missing"
        if shape is None:
            text = f"The column {subject} is gone. Look whether the source still delivers it."
            yield Comparison(check, subject, "column gone", 1.0, 1.0, True, 0.0, text)
            continue
        found = missing_difference(shape, then)
        if not found.freedom:
            continue
        usual = _usual(subject, recent, missing_difference)
        share, before = shape.missing / shape.rows, then.missing / then.rows
        yield Comparison(
            check=check,
            subject=subject,
            statistic="missing",
            value=found.distance,
            threshold=least,
            large=share > before and found.distance >= least,
            p=found.p(usual),
            text=f"{subject} is missing in {share:.1%} of the rows, after {before:.1%}. Look "
            "whether the source still fills it.",
        )


def new_values(now: Profile, reference: Profile) -> Iterator[Comparison]:
    """Texts that the reference did not have, where it lists all that it had.

    Chance brings a new text now and then: a new row has one with about the probability of
    (texts seen once + 1) / rows (Good, Biometrika 40, 1953).
    """
    for subject, shape in now.shapes.items():
        then = reference.shapes.get(subject)
        table = subject.split(".")[0]
        if table not in _TABLES or then is None or not then.values or then.rest:
            continue
        known = frozenset(then.values)
        names = [
            name
            for name, count in zip(shape.values, shape.counts, strict=True)
            if count and name not in known
        ]
        count = shape.rest + sum(
            count for name, count in zip(shape.values, shape.counts, strict=True) if name in names
        )
        fresh = shape.rows
        if table != INTERACTIONS.name:
            fresh = max(shape.rows - then.rows, ceil(_FRESH_SHARE * shape.rows))
        expected = (then.singles + 1) / max(1, then.rows) * fresh
        independent = ceil(count / shape.design)
        listed = ", ".join(f"“{name}”" for name in names[:3]) or "rare ones"
        yield Comparison(
            check=f"{table}_values_new",
            subject=subject,
            statistic="new values",
            value=count / max(1, shape.total),
            threshold=0.0,
            large=count > 0,
            p=float(poisson.sf(independent - 1, expected)) if count else 1.0,
            text=f"{subject} has texts that training did not know, {count:,} times: {listed}. "
            "Look whether they are meant or misspelt; if meant, train again.",
        )


def rewritten(
    now: Profile, reference: Profile, recent: Sequence[Profile], least: float
) -> Iterator[Comparison]:
    """Movies whose values are not those of the reference, though distributed as before."""
    for column in now.movies.codes:
        subject = f"{MOVIES.name}.{column}"
        number = now.shapes[subject].is_number
        count, of = now.movies.changed(column, reference.movies, number=number)
        if not of:
            continue
        pairs = [
            pair
            for later, earlier in pairwise(recent)
            for pair in (later.movies.changed(column, earlier.movies, number=number),)
            if pair[1]
        ]
        if not pairs and number:
            # Some figures change for every movie in every week: nobody knows yet.
            continue
        usual, of_usual = (
            sorted(pairs, key=lambda pair: pair[0] / pair[1])[len(pairs) // 2] if pairs else (0, of)
        )
        value = count / of - usual / of_usual
        yield Comparison(
            check=_shift_check(subject),
            subject=subject,
            statistic="rows changed",
            value=value,
            threshold=least,
            large=value >= least,
            p=changed_p(count, of, usual, of_usual),
            text=f"{subject} is another one for {count / of:.0%} of the movies than when the "
            f"release was trained (usual in a week: {usual / of_usual:.0%}). Look whether rows "
            "of the source were mixed up; if it is meant, train again.",
        )


def _other_kind(subject: str, shape: Shape) -> Comparison:
    now, then = ("numbers", "texts") if shape.is_number else ("texts", "numbers")
    text = (
        f"{subject} holds {now}; when the release was trained it held {then}. Look how the source "
        "writes the column."
    )
    return Comparison(_shift_check(subject), subject, "distribution", 1.0, 1.0, True, 0.0, text)


def _usual(
    subject: str, recent: Sequence[Profile], compared: Callable[[Shape, Shape], Difference]
) -> list[float]:
    """How far weeks were from the weeks before them, as `Difference.inflation`."""
    found = [
        compared(later.shapes[subject], earlier.shapes[subject])
        for later, earlier in pairwise(recent)
        if subject in later.shapes
        and subject in earlier.shapes
        and (not subject.startswith(f"{TOP_N}.") or same_recommender(later, earlier))
    ]
    return [each.inflation for each in found if each.freedom]


def _shift_check(subject: str) -> str:
    table, column = subject.split(".", 1)
    if table == TOP_N:
        return checks.SCORES_SHIFTED if column == n.SCORE else checks.LISTS_SHIFTED
    if table in (ACTIONS, BEHAVIOUR):
        return checks.BEHAVIOUR_SHIFTED
    if table == MOVIES.name and column == n.GENRES:
        return checks.MOVIES_GENRES_SHIFTED
    if table == MOVIES.name and any(word in column.lower() for word in _PRICE_WORDS):
        return checks.MOVIES_PRICE_SHIFTED
    return f"{table}_shifted"


def _most_changed(now: Shape, then: Shape) -> str:
    """The mean of a number, or the three texts whose shares changed most."""
    if now.mean is not None and then.mean is not None:
        return f"mean {now.mean:.4g} after {then.mean:.4g}"
    mine = dict(zip(now.values, now.counts, strict=True))
    theirs = dict(zip(then.values, then.counts, strict=True))
    names = list(dict.fromkeys((*mine, *theirs)))
    after = np.array([mine.get(name, 0) for name in names]) / max(1, now.total)
    before = np.array([theirs.get(name, 0) for name in names]) / max(1, then.total)
    most = np.argsort(-np.abs(after - before), kind="stable")[:3]
    return ", ".join(f"{names[at]} {after[at]:.1%} after {before[at]:.1%}" for at in most)
