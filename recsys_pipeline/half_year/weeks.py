"""One simulated week: the weekly job, the arms, the lists, and what people make of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.experiments.assignment import Plan, assign_all
from recsys_pipeline.half_year.config import LIST_LENGTH, HalfYearConfig
from recsys_pipeline.half_year.frames import Labels, actions_of, impressions_of
from recsys_pipeline.half_year.source import LifeSource
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.monitoring.online_week import OnlineWeek, online_week
from recsys_pipeline.pipeline.arming import arm_lists
from recsys_pipeline.pipeline.experimenting import NOTHING, running
from recsys_pipeline.pipeline.protocols import ReleaseStore
from recsys_pipeline.pipeline.weekly import Week, WeeklyDoors, run_week
from recsys_pipeline.ranking.panel import POPULARITY
from recsys_pipeline.simulation.life import Life

IntArray = npt.NDArray[np.int32]
Progress = Callable[[str], None]
_SECOND = pd.Timedelta(1, unit="s")
_SHUFFLING = 77


@dataclass(frozen=True)
class Lists:
    """Who is shown what in a week.

    Attributes:
        items: int32 ``(n_users, LIST_LENGTH)``, rows of movies, best first, −1 pads.
        propensities: float64 of the same shape.
        labels: who answers.
    """

    items: IntArray
    propensities: npt.NDArray[np.float64]
    labels: Labels


@dataclass(frozen=True)
class Lived:
    """What a week was.

    Attributes:
        number: from 1.
        week: of the weekly job.
        lists: what people were shown.
        online: what they did.
        left: rows of the users who left at its end.
    """

    number: int
    week: Week
    lists: Lists
    online: OnlineWeek
    left: npt.NDArray[np.int64]


@dataclass
class HalfYear:
    """A life and the weekly job over it, week after week.

    Attributes:
        config: what is simulated.
        life: the world.
        doors: of the weekly job; their source is the life.
        monitoring: how what happens is counted.
    """

    config: HalfYearConfig
    life: Life
    source: LifeSource
    doors: WeeklyDoors
    monitoring: MonitoringConfig

    @property
    def starts(self) -> str:
        """First day of the experiment, ISO."""
        return f"{self.life.ends(self.config.before):%Y-%m-%d}"

    def plan(self, number: int) -> Plan:
        """Who is in which arm in a week."""
        day = self.life.ends(number - 1).date()
        return running(self.config.experiments(self.starts), NOTHING, day)

    def live(self, number: int, progress: Progress) -> Lived:
        """The next week: lists are made, and people come and look at them."""
        start = self.life.ends(number - 1)
        name = f"{start:%Y-%m-%d}"
        week = run_week(
            self.doors,
            self.config.learning(number),
            start - _SECOND,
            name,
            progress,
            settings_text=self.config.model_dump_json(),
            started=start.isoformat(),
            detail=False,
        )
        plan = self.plan(number)
        arm_lists(
            self.doors.store,
            plan.recipes(),
            week.tables,
            week.inputs,
            week.origin,
            progress,
        )
        lists = self.lists(number, plan)
        lived = self.life.live(number, lists.items)
        shown = lived.impressions
        # Where each movie stood on the list, for the probability that exploration gave it.
        place = (lists.items[shown.user] == shown.movie[:, None]).argmax(axis=1)
        impressions = impressions_of(lived, lists.labels, lists.propensities[shown.user, place])
        self.source.lived(lived)
        online = online_week(
            start,
            impressions,
            actions_of(lived),
            movies=self.life.movies(number),
            users=self.life.users(number),
            config=self.monitoring,
        )
        return Lived(number, week, lists, online, lived.left)

    def lists(self, number: int, plan: Plan) -> Lists:
        """The list of every user from the release that answers them."""
        users = self.life.users(number - 1)
        ids, segments = users[n.USER_ID].to_numpy(), users[n.SEGMENT].to_numpy(dtype=object)
        assigned = assign_all(ids, plan, segments=segments)
        pointer = self.doors.store.pointer()
        assert pointer is not None, "the first week has put its release in service"
        releases = np.array(
            [each.answered_by(pointer.arms) or pointer.release for each in assigned], dtype=object
        )
        size = len(ids)
        items = np.full((size, LIST_LENGTH), -1, dtype=np.int32)
        propensities = np.ones((size, LIST_LENGTH))
        personal = np.zeros(size, dtype=bool)
        for release in np.unique(releases.astype(str)):
            own, probability = self._stored(self.doors.store, release, size)
            rows = np.flatnonzero(releases == release)
            if self.config.shuffled and release == pointer.release:
                taken = np.random.default_rng([self.config.seed, _SHUFFLING, number])
                own[rows] = own[taken.permutation(rows)]
            items[rows], propensities[rows] = own[rows], probability[rows]
            personal[rows] = self.doors.store.manifest(release).recommender != POPULARITY
        labels = Labels(
            releases,
            np.array([each.experiment for each in assigned], dtype=object),
            np.array([each.arm for each in assigned], dtype=object),
            personal,
        )
        return Lists(items, propensities, labels)

    def _stored(
        self, store: ReleaseStore, release: str, size: int
    ) -> tuple[IntArray, npt.NDArray[np.float64]]:
        lists = store.read_lists(release)
        items = np.full((size, LIST_LENGTH), -1, dtype=np.int32)
        probability = np.ones((size, LIST_LENGTH))
        row, place = lists[n.USER_ID].to_numpy() - 1, lists[n.RANK].to_numpy(dtype=int) - 1
        items[row, place] = lists[n.MOVIE_ID].to_numpy() - 1
        probability[row, place] = lists[n.PROPENSITY].to_numpy()
        return items, probability
