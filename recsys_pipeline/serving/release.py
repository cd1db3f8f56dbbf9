"""LoadedRelease: a release with all that answers need of it, in memory."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import pandas as pd

from recsys_pipeline.data.people import People
from recsys_pipeline.data.stored import load_dataset
from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.protocols import MODEL, PEOPLE, Manifest, ReleaseStore
from recsys_pipeline.pipeline.recipes import recipe_of
from recsys_pipeline.pipeline.top_n import occasion_of
from recsys_pipeline.ranking.availability import AVAILABILITY
from recsys_pipeline.ranking.released import ReleasedModel, load_released_model
from recsys_pipeline.serving.cards import Cards
from recsys_pipeline.serving.groups import Groups
from recsys_pipeline.serving.stored_lists import StoredLists


@dataclass(frozen=True, eq=False)
class LoadedRelease:
    """One release, whole. Nothing of it changes while it serves; several threads may read it.

    Attributes:
        manifest: what it is made of.
        learning: the settings that it was made with.
        model: what lists are made with.
        people: what was known of the users.
        lists: the list of every user.
        cards: the movies.
        groups: lists for everybody, for segments and for clusters.
    """

    manifest: Manifest
    learning: LearningConfig
    model: ReleasedModel
    people: People
    lists: StoredLists
    cards: Cards
    groups: Groups

    @classmethod
    def load(cls, store: ReleaseStore, release: str) -> Self:
        """Read a release whole.

        Raises:
            ReleaseError: it is not whole, was made before releases held what is known of the
                users, or its parts do not fit each other.
            ModelError: its model cannot be read.
        """
        manifest = store.manifest(release)
        if not any(name.startswith(f"{PEOPLE}/") for name in manifest.files):
            raise ReleaseError(
                f"Release {release} was made by an older version and cannot be served.",
                "Run `recsys run` to make a new one.",
            )
        folder = store.folder(release)
        learning = recipe_of(store, manifest)
        model = load_released_model(folder / MODEL)
        data = load_dataset(folder / PEOPLE, model.movies)
        return cls(
            manifest=manifest,
            learning=learning,
            model=model,
            people=People.of(data, learning.likes),
            lists=StoredLists.of(store.read_lists(release), data.users, data.items),
            cards=Cards.of(model.movies, data.items),
            groups=Groups.of(model, data),
        )

    @property
    def id(self) -> str:
        return self.manifest.release

    @cached_property
    def made_at(self) -> float:
        """When it was made, in seconds since 1970; without that, the moment it looks from."""
        when = self.manifest.made_at or self.manifest.as_of
        return pd.Timestamp(when).timestamp() if when else 0.0

    @cached_property
    def as_of(self) -> float | None:
        """The moment that it looks from, in seconds since 1970; None where it has none."""
        as_of = self.manifest.as_of
        return pd.Timestamp(as_of).timestamp() if as_of else None

    @cached_property
    def occasion(self) -> int:
        """What exploration draws by: that of the lists."""
        return occasion_of(self.people.data.as_of)

    @cached_property
    def expires(self) -> bool:
        """Whether movies come and go: then a stored list may hold one that is gone by now."""
        return any(column in self.model.movies.columns for column in AVAILABILITY)
