"""Who comes back and who leaves."""

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.rows import tidy
from recsys_pipeline.monitoring.staying import Staying, active_days, days_needed
from recsys_pipeline.monitoring.staying_figures import staying_rows

END = pd.Timestamp("2024-03-04", tz="UTC").as_unit("us")
NOBODY = pd.DataFrame({n.USER_ID: pd.Series([], dtype="str")})


def active(days_ago: dict[str, list[float]]) -> pd.DataFrame:
    rows = [(user, END - pd.Timedelta(days=ago)) for user, own in days_ago.items() for ago in own]
    frame = pd.DataFrame(rows, columns=[n.USER_ID, n.TIMESTAMP])
    return frame.astype({n.USER_ID: "str", n.TIMESTAMP: "datetime64[us, UTC]"})


def told(rows: pd.DataFrame, users: pd.DataFrame = NOBODY, **options: object) -> pd.DataFrame:
    found = staying_rows(rows, options.get("since"), END, users, options.get("assigned"), 14)
    return tidy(found).set_index([names.METRIC, names.BY, names.GROUP])


WEEKS = {
    "stays": [1, 8, 15, 20, 29],
    "returns late": [2, 16, 27],
    "left": [9, 17, 30],
    "left long ago": [15, 22],
    "new": [0.5],
}


def test_who_returns_and_who_leaves_by_hand():
    found = told(active(WEEKS), since=END - pd.Timedelta(days=35))
    row = found.loc[(names.RETURN_RATE, names.ALL, "")]
    # Last week but one: stays, left. The last: stays.
    assert (row[names.VALUE], row[names.N]) == (0.5, 2)
    # A week back: of stays, returns late, left and left long ago two were there.
    assert row[names.BEFORE] == pytest.approx(2 / 4)
    row = found.loc[(names.CHURN_RATE, names.ALL, "")]
    # 14 to 28 days ago: stays, returns late, left, left long ago. Of them the last came no more.
    assert (row[names.VALUE], row[names.N]) == (0.25, 4)
    # A week back, 21 to 35 days ago: all four; only left long ago (15) was not gone by then.
    assert row[names.BEFORE] == 0.0


def test_a_moment_at_the_border_belongs_to_the_later_week():
    rows = active({"a": [7, 14], "b": [7 - 1e-6, 14 - 1e-6]})
    found = Staying.of(rows, END)
    assert found.ago.tolist() == [6, 13, 6, 13]
    later = Staying.of(active({"a": [-1, 0, 3]}), END)
    assert later.ago.tolist() == [2]


@pytest.mark.parametrize(
    ("days", "known"), [(13, (0, 0)), (14, (1, 0)), (27, (1, 0)), (28, (1, 1))]
)
def test_nothing_is_told_before_the_days_are_known(days, known):
    rows = active({"a": [0.5, 8, 16], "b": [1, 9, 18]})
    found = told(rows, since=END - pd.Timedelta(days=days))
    for metric, there in zip((names.RETURN_RATE, names.CHURN_RATE), known, strict=True):
        assert bool(found.loc[(metric, names.ALL, "")][names.N]) == bool(there)


def test_without_a_beginning_the_first_row_is_it():
    assert Staying.of(active({"a": [0.5, 20.5]}), END).oldest == 21
    assert Staying.of(active({}), END).oldest == 0
    for ago, known in ((20.5, 21), (21, 21), (-1, 0)):
        since = END - pd.Timedelta(days=ago)
        assert Staying.of(active({"a": [0.5]}), END, since).oldest == known
    assert told(active({}))[names.VALUE].isna().all()


def test_arms_and_segments_have_their_own_rates_where_enough_users_are():
    stay = {f"s{i}": [1, 8] for i in range(30)}
    leave = {f"l{i}": [8] for i in range(30)}
    few = {f"f{i}": [8] for i in range(19)}
    rows = active({**stay, **leave, **few})
    ids = pd.Series([*stay, *leave, *few], dtype="str")
    letters = ids.str[0]
    users = pd.DataFrame({n.USER_ID: ids, n.SEGMENT: letters})
    assigned = pd.DataFrame({n.USER_ID: ids, n.EXPERIMENT: "x", n.ARM: letters})
    since = END - pd.Timedelta(days=14)
    found = told(rows, users, assigned=assigned, since=since)[names.VALUE].dropna()
    by_group = {key[1:]: value for key, value in found.items() if key[1] != names.ALL}
    assert by_group == {
        (names.SEGMENT, "l"): 0.0,
        (names.SEGMENT, "s"): 1.0,
        (names.ARM, "x/l"): 0.0,
        (names.ARM, "x/s"): 1.0,
    }


def test_days_of_activity_are_kept_once_and_tell_the_same():
    rng = np.random.default_rng(4)
    rows = active({f"u{i}": list(rng.uniform(0, 40, 12)) for i in range(40)})
    days = active_days(rows)
    assert len(days) < len(rows)
    pd.testing.assert_frame_equal(told(days), told(rows))


def test_enough_days_are_asked_for():
    assert days_needed(14) == 35
    assert days_needed(7) == 21
