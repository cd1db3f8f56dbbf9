"""Patterns: which segments do more or less with which genres than in the weeks before.

Information for the report, no alarm: tastes may change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import norm

from recsys_pipeline.monitoring.drift import holm
from recsys_pipeline.monitoring.profile import Profile
from recsys_pipeline.monitoring.tastes import EVERYBODY, Count, Taste

WHAT: Final = "what"
SEGMENT: Final = "segment"
GENRE: Final = "genre"
NOW: Final = "now"
BEFORE: Final = "before"
CHANGE: Final = "change"
LOW: Final = "low"
HIGH: Final = "high"
P_CORRECTED: Final = "p_corrected"
MOVED: Final = "moved"
TEXT: Final = "text"
COLUMNS: Final = (WHAT, SEGMENT, GENRE, NOW, BEFORE, CHANGE, LOW, HIGH, P_CORRECTED, MOVED, TEXT)

DID: Final = "did"
CLICKED: Final = "clicked"

WEEKS: Final = 4
"""The newest weeks that are taken together as the weeks before."""

LEVEL: Final = 0.05
"""Chance, over all that is compared in a week, that anything is called that did not move."""

LEAST_CHANGE: Final = 0.01
"""Smaller changes of a share are not worth a sentence."""

_Z: Final = float(norm.ppf(0.975))

_COUNTS: Final[dict[str, Callable[[Taste], Count | None]]] = {
    DID: lambda taste: taste.actions,
    CLICKED: lambda taste: taste.clicks,
}


@dataclass(frozen=True)
class Patterns:
    """How tastes moved.

    Attributes:
        rows: one row per kind of share, segment (empty for everybody) and genre: ``what``
            (``did``: share of what the segment did that was done with the genre; ``clicked``:
            share of the movies of the genre shown to the segment that were clicked), now, before,
            change with its 95 % interval, p_corrected, moved, and text. Those that moved come
            first, largest change first.
    """

    rows: pd.DataFrame

    @property
    def sentences(self) -> tuple[str, ...]:
        """One sentence for each that moved, the largest change first."""
        return tuple(self.rows[TEXT][self.rows[MOVED].to_numpy(dtype=bool)])


def patterns(now: Profile, recent: Sequence[Profile]) -> Patterns:
    """What each segment does with each genre, against the `WEEKS` weeks before.

    A share moved where Holm's correction over all shares of the week leaves a p-value of at most
    `LEVEL`, and the change is at least `LEAST_CHANGE`. The variance of a share is that between
    users, and where the weeks before differ from one another by more than that, theirs.

    Args:
        now: the week.
        recent: the weeks before, oldest first. Empty without them.
    """
    weeks = list(recent)[-WEEKS:]
    rows = []
    for what, count_of in _COUNTS.items():
        earlier = [
            {(taste.segment, taste.genre): count_of(taste) for taste in week.tastes}
            for week in weeks
        ]
        for taste in now.tastes:
            place = (taste.segment, taste.genre)
            before = [each for week in earlier if (each := week.get(place)) is not None]
            count = count_of(taste)
            if count is not None and count.whole and any(each.whole for each in before):
                rows.append(_row(what, *place, count, [each for each in before if each.whole]))
    made = pd.DataFrame(rows, columns=[each for each in COLUMNS if each not in (MOVED, TEXT)])
    p = made[P_CORRECTED].to_numpy(dtype=np.float64)
    corrected = holm(p)
    size = made[CHANGE].abs().to_numpy(dtype=np.float64)
    made[P_CORRECTED] = corrected
    made[MOVED] = (corrected <= LEVEL) & (size >= LEAST_CHANGE)
    made[TEXT] = pd.array([_sentence(row) for row in made.to_dict("records")], dtype="str")
    order = np.lexsort((-size, ~made[MOVED].to_numpy(dtype=bool)))
    return Patterns(made.iloc[order].reset_index(drop=True))


def _row(
    what: str, segment: str, genre: str, now: Count, before: Sequence[Count]
) -> tuple[str, str, str, float, float, float, float, float, float]:
    """A row without `MOVED` and `TEXT`; p is not corrected yet."""
    whole = sum(each.whole for each in before)
    share = sum(each.part for each in before) / whole
    pooled = sum(each.spread for each in before) / whole**2
    between = 0.0
    if len(before) > 1:
        shares = np.array([each.share for each in before])
        chance = float(np.mean([each.spread / each.whole**2 for each in before]))
        between = max(0.0, float(shares.var(ddof=1)) - chance)
    own = now.variance if now.users > 1 else now.share * (1 - now.share) / now.whole
    error = sqrt(own + pooled + between * (1 + 1 / len(before)))
    change = now.share - share
    p = 2 * float(norm.sf(abs(change) / error)) if error else float(change == 0)
    return (
        what,
        segment,
        genre,
        now.share,
        share,
        change,
        change - _Z * error,
        change + _Z * error,
        p,
    )


def _sentence(row: dict[str, object]) -> str:
    who = "Everybody" if row[SEGMENT] == EVERYBODY else f"Segment {row[SEGMENT]}"
    change = float(str(row[CHANGE]))
    more = "more" if change > 0 else "less"
    figures = (
        f"{row[NOW]:.1%} after {row[BEFORE]:.1%} in the weeks before "
        f"({100 * change:+.1f} points, {100 * float(str(row[LOW])):+.1f} to "
        f"{100 * float(str(row[HIGH])):+.1f})"
    )
    if row[WHAT] == DID:
        return f"{who} watched {more} {row[GENRE]}: {figures}."
    return f"{who} clicked {row[GENRE]} {more} often where it was shown: {figures}."
