"""Numbers for ids and texts."""

import numpy as np
import numpy.typing as npt
import pandas as pd


def codes_in(index: pd.Index, values: pd.Series) -> npt.NDArray[np.int64]:
    """The position in `index` of each value: int64, −1 where it is not there or missing.

    Each distinct value is looked up once, as rows repeat them many times.

    >>> codes_in(pd.Index(["a", "b"]), pd.Series(["b", "x", "b", None])).tolist()
    [1, -1, 1, -1]
    """
    code, distinct = pd.factorize(values)
    place = np.append(index.get_indexer(pd.Index(distinct)), -1)
    return np.asarray(place[code], dtype=np.int64)
