"""Which recommender made the lists of a week, as its profile tells."""

from collections.abc import Iterator, Sequence
from typing import Final

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring import checks
from recsys_pipeline.monitoring.comparison import Comparison
from recsys_pipeline.monitoring.profile import TOP_N, Profile

_SOURCE: Final = f"{TOP_N}.{n.SOURCE}"


def recommender(profile: Profile) -> str:
    """The source of most places of the lists; empty where there are no lists."""
    shape = profile.shapes.get(_SOURCE)
    if shape is None or not shape.values:
        return ""
    # Of equal counts the first name, whatever the order of the cells.
    return min(zip(shape.values, shape.counts, strict=True), key=lambda at: (-at[1], at[0]))[0]


def same_recommender(one: Profile, other: Profile) -> bool:
    """Whether the lists of both weeks come from the same one; also where one has no lists."""
    names = {recommender(one), recommender(other)} - {""}
    return len(names) < 2


def changed(now: Profile, reference: Profile, recent: Sequence[Profile]) -> Iterator[Comparison]:
    """One alarm where the lists come from another recommender, in place of all about lists.

    None where the weeks before had lists of this one too: a recipe that chooses among recommenders
    goes back and forth between those that are about equally good.
    """
    if same_recommender(now, reference):
        return
    after, before = recommender(now), recommender(reference)
    known = after in {recommender(each) for each in recent}
    yield Comparison(
        check=checks.LISTS_SHIFTED,
        subject=_SOURCE,
        statistic="recommender",
        value=1.0,
        threshold=1.0,
        large=not known,
        p=1.0 if known else 0.0,
        text=f"Another recommender makes the lists: “{after}” after “{before}”. Lists and scores "
        "are not compared with those before. If nobody promoted another recipe, the recipe chose "
        "it; compare the two releases.",
    )
