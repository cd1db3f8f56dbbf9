"""Who returns and who leaves, among the figures of the week."""

from typing import Any, Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.codes import codes_in
from recsys_pipeline.monitoring.counted import arm_texts, named_groups
from recsys_pipeline.monitoring.rates import rates
from recsys_pipeline.monitoring.rows import LEAST_USERS, cannot_tell, rows_of
from recsys_pipeline.monitoring.staying import Staying
from recsys_pipeline.monitoring.user_weeks import segments

_WEEK: Final = 7


def staying_rows(
    active: pd.DataFrame | None,
    since: pd.Timestamp | None,
    end: pd.Timestamp,
    users: pd.DataFrame,
    assigned: pd.DataFrame | None,
    churn_days: int,
) -> list[dict[str, Any]]:
    """Who returned and who left, of all, by segment and by arm; the arguments as of `figures`."""
    if active is None:
        return [cannot_tell(metric) for metric in (names.RETURN_RATE, names.CHURN_RATE)]
    staying = Staying.of(active, end, since)
    ids = pd.Series(staying.ids)
    texts = {names.ALL: None, names.SEGMENT: segments(ids, users)}
    if assigned is not None:
        place = pd.Index(assigned[n.USER_ID]).get_indexer(pd.Index(ids))
        known = np.append(arm_texts(assigned).to_numpy(dtype=object), "")
        texts[names.ARM] = pd.Series(known[place], dtype="str")
    rows = []
    for by, text in texts.items():
        if text is None:
            groups, group = pd.Index([""]), np.zeros(len(ids), dtype=np.int64)
        else:
            groups = named_groups(text)
            group = codes_in(groups, text)
        for metric in (names.RETURN_RATE, names.CHURN_RATE):
            ours, past = (
                staying.returned(group, back)
                if metric == names.RETURN_RATE
                else staying.left(group, churn_days, back)
                for back in (0, _WEEK)
            )
            kept = []
            if ours is not None:
                found = rates(ours, past, len(ids), len(groups), share=True)
                least = 1 if by == names.ALL else LEAST_USERS
                kept = rows_of(metric, by, list(groups), found, least_users=least)
            rows += kept or ([cannot_tell(metric)] if by == names.ALL else [])
    return rows
