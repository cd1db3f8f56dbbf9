"""Load: the mapped tables of a source, or a sample of their users; and from which moment."""

import pandas as pd

from recsys_pipeline.data.sampling import sample_users
from recsys_pipeline.errors import DataError
from recsys_pipeline.pipeline.privacy_gone import NOBODY, Gone
from recsys_pipeline.sources.base import Source, Tables


def load(
    source: Source,
    as_of: pd.Timestamp | None,
    sample: float = 1.0,
    gone: Gone = NOBODY,
) -> Tables:
    """The three mapped tables, every row but those of erased people, none judged yet.

    Args:
        source: where they come from.
        as_of: the moment that the run looks from (UTC); None where the data have no time.
        sample: share of the users to keep (above 0, at most 1), all of them by default.
        gone: who was erased.

    Raises:
        SourceError: a file is missing, unreadable or cannot be mapped.
        SettingsError: `sample` is out of range.
    """
    return sample_users(gone.left_out(source.read(as_of)), sample)


def moment_of(source: Source, now: pd.Timestamp) -> pd.Timestamp | None:
    """The moment to look from where nobody says one: the newest event, but none of the future.

    Returns:
        None where the data have no time.

    Raises:
        DataError: every event lies after `now`, as when a clock or a unit of time is wrong.
    """
    newest = source.newest_event()
    if newest is None or newest <= now:
        return newest
    before = source.newest_event(not_after=now)
    if before is None:
        raise DataError(
            f"Every interaction of {source.description} lies after now ({now:%Y-%m-%d %H:%M} UTC).",
            "Check the unit of the times (source.files.interactions.time_unit), or name --as-of.",
        )
    return before
