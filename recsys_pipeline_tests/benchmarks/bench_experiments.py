"""What experiments promise, counted: false alarms, coverage, power and sample ratios at all looks.

    python bench_experiments.py [--tests N] [--pools N] [--users N] [--seed N]

Users are made up as they are: few do much, most do little, each keeps their habits, and they come
in over time. Every pool of users is drawn anew; each test of a pool takes some of them in, shares
them out anew, and is looked at after each of 26 weeks. Everything goes the way that an experiment
goes, from rows of user × week to the interval.
"""

import argparse
from collections import defaultdict
from statistics import NormalDist
from time import perf_counter

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.experiments.always_valid import spread_for
from recsys_pipeline.experiments.analysis import analyse
from recsys_pipeline.experiments.comparing import Comparison
from recsys_pipeline.experiments.config import ArmConfig, ExperimentConfig
from recsys_pipeline.experiments.participants import WEEK
from recsys_pipeline.experiments.planning import outlook
from recsys_pipeline.experiments.rehearsal import Looks, compare_all, looks_of
from recsys_pipeline.experiments.sample_ratio import LIMIT, sample_ratio_p

ALPHA, POWER, SHARE = 0.05, 0.8, 0.8
BEFORE, LOOKS, PLANNED_WEEKS = 16, 26, 12
MONDAY = pd.Timestamp("2024-01-01", tz="UTC")
START = MONDAY + BEFORE * WEEK
METRICS = ("click_through", "clicks", n.WATCH_MINUTES)
ARMS = (ArmConfig(name="control"), ArmConfig(name="new"))
NORMAL = NormalDist()
FIXED = NORMAL.inv_cdf(1 - ALPHA / 2)
BONFERRONI = NORMAL.inv_cdf(1 - ALPHA / 2 / LOOKS)


class Users:
    """What a pool of users does, week by week, with and without further clicks."""

    def __init__(self, n_users: int, rng: np.random.Generator) -> None:
        often = rng.beta(0.6, 1.2, n_users)
        much, takes = rng.lognormal(0.7, 0.8, n_users), rng.beta(1.2, 8.0, n_users)
        long = rng.lognormal(3.0, 0.7, n_users)
        joins = np.maximum(0, rng.integers(-30, BEFORE + LOOKS, n_users))
        weeks = np.arange(BEFORE + LOOKS)
        active = rng.random((n_users, len(weeks))) < often[:, None]
        self.user, self.week = np.nonzero(active & (weeks >= joins[:, None]))
        self.answers = 1 + rng.poisson(much[self.user])
        self.clicks = rng.binomial(10 * self.answers, takes[self.user])
        self.minutes = long[self.user] * rng.gamma(1.5, 1 / 1.5, len(self.user))

    def frame(self, more: np.ndarray | int = 0) -> pd.DataFrame:
        clicks = self.clicks + more
        return pd.DataFrame(
            {
                n.USER_ID: self.user,
                n.WEEK: MONDAY + pd.to_timedelta(7 * self.week, unit="D"),
                n.ANSWERS: self.answers,
                n.IMPRESSIONS: 10 * self.answers,
                n.CLICKS: clicks,
                n.WATCH_MINUTES: clicks * self.minutes,
                n.ACTIVE_DAYS: np.minimum(7, self.answers),
            }
        )

    def lifted(self, lift: float, rng: np.random.Generator) -> pd.DataFrame:
        return self.frame(rng.binomial(self.clicks, lift) * (self.week >= BEFORE))


def ratio(looks: Looks) -> np.ndarray:
    return looks.y.sum(axis=1) / looks.m.sum(axis=1)


def errors_of(found: Comparison) -> np.ndarray:
    return found.difference / np.sqrt(found.variance)


def pool(metric: str, users: Users, tests: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What came of the tests of one pool, a value for each test."""
    before = users.frame()
    experiment = ExperimentConfig(name="x", arms=ARMS, metric=metric, share=SHARE)
    lift = outlook(before, experiment, until=START).detectable(PLANNED_WEEKS)
    experiment = experiment.model_copy(update={"least_effect": lift})
    needed = int(outlook(before, experiment, until=START).weeks_needed)
    control = looks_of(before, metric, START)
    arm = looks_of(users.lifted(lift, rng), metric, START)
    drawn = rng.random((tests, control.taking.shape[1]))
    in_control, in_arm = drawn < SHARE / 2, drawn > 1 - SHARE / 2
    spread = spread_for(lift, ALPHA, POWER)
    same = compare_all(control, control, in_control, in_arm, spread, ALPHA)
    other = compare_all(control, arm, in_control, in_arm, spread, ALPHA)
    off, on = ratio(control), ratio(arm)
    called = other.p <= ALPHA
    by_end = called[:, :needed]
    z, z_other = np.abs(errors_of(same)), errors_of(other)
    first = np.where(by_end.any(axis=1), by_end.argmax(axis=1) + 1, needed)
    width = (other.high - other.difference) / np.sqrt(other.variance)
    true = on - off
    relative = on / off - 1
    return {
        "A/A called: always-valid": (same.p <= ALPHA).any(axis=1),
        "A/A called: fixed-sample, read weekly": (z > FIXED).any(axis=1),
        "A/A called: fixed-sample, last week only": z[:, -1] > FIXED,
        "A/A called: Bonferroni over 26 looks": (z > BONFERRONI).any(axis=1),
        "effect covered at all looks": ((other.low <= true) & (true <= other.high)).all(axis=1),
        "relative effect covered at all looks": (
            (other.relative_low <= relative) & (relative <= other.relative_high)
        ).all(axis=1),
        "planned effect found by the planned week": by_end.any(axis=1),
        "  by a fixed-sample test in that week": z_other[:, needed - 1] > FIXED,
        "  by Bonferroni over 26 looks until then": (z_other[:, :needed] > BONFERRONI).any(axis=1),
        "share of the planned weeks until found": first / needed,
        "half-width in that week, in standard errors": width[:, needed - 1],
        "planned effect": np.full(tests, lift),
        "correlation with the weeks before": other.correlation[:, needed - 1],
    }


def sample_ratios(tests: int, rng: np.random.Generator) -> None:
    print(f"\nsample ratio, always-valid at {LIMIT:.0%}, 26 looks, {tests:,} tests each: called")
    for share, users in ((0.5, 60_000), (0.51, 60_000), (0.5, 10_000), (0.53, 10_000)):
        weekly = rng.multinomial(users // LOOKS, [share, 1 - share], size=(tests, LOOKS))
        called = sample_ratio_p(weekly.cumsum(axis=1), (1, 1)) < LIMIT
        week = np.where(called.any(axis=1), called.argmax(axis=1) + 1.0, np.nan)
        exact = float(sample_ratio_p([share * users, (1 - share) * users], (1, 1)))
        text = (
            f", in week {np.nanmean(week):.0f} on average"
            if called.any(axis=1).mean() > 0.5
            else ""
        )
        print(
            f"  {share:.0%} of {users:,}: {called.any(axis=1).mean():.1%}{text} "
            f"(p of the exact counts {exact:.1g})"
        )


def speed(rng: np.random.Generator) -> None:
    frame = Users(10_000, rng).frame()
    on = frame[n.WEEK] >= START
    frame[n.EXPERIMENT] = np.where(on, "x", "")
    frame[n.ARM] = np.where(on, np.where(frame[n.USER_ID] % 2, "new", "control"), "")
    frame[n.SEGMENT] = np.where(frame[n.USER_ID] % 3, "adult", "young")
    started = perf_counter()
    analyse(frame, ExperimentConfig(name="x", arms=ARMS))
    print(f"\nanalysis of 10,000 users ({len(frame):,} rows): {perf_counter() - started:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tests", type=int, default=1000, help="tests of each kind")
    parser.add_argument("--pools", type=int, default=20, help="pools of users, drawn anew")
    parser.add_argument("--users", type=int, default=5000, help="users of a pool")
    parser.add_argument("--seed", type=int, default=1)
    args, _ = parser.parse_known_args()
    each = args.tests // args.pools
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for metric in METRICS:
        rng = np.random.default_rng(args.seed)
        pools = [pool(metric, Users(args.users, rng), each, rng) for _ in range(args.pools)]
        for name in pools[0]:
            found[name][metric] = float(np.mean([values[name] for values in pools]))
    error = 2 * np.sqrt(ALPHA * (1 - ALPHA) / (each * args.pools))
    print(
        f"{each * args.pools:,} tests, {args.pools} pools of {args.users:,} users, {LOOKS} looks; "
        f"alpha {ALPHA:.0%} (two Monte Carlo errors: {error:.1%}), planned power {POWER:.0%}\n"
    )
    print(pd.DataFrame(found).T.map("{:.3f}".format).to_string())
    sample_ratios(args.tests, np.random.default_rng(args.seed))
    speed(np.random.default_rng(args.seed))


if __name__ == "__main__":
    main()
