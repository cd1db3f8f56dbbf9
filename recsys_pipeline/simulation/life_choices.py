"""The choice rule of a life: what a page shows, what is looked at, and what is chosen.

Of a list only its order is read; a score is nowhere to be found. A page is looked at by the
examination model: each place is looked at with a probability of its own, whatever stands there
(Joachims et al., SIGIR 2005; the position-based model of Craswell et al., WSDM 2008).
"""

import numpy as np
import numpy.typing as npt

from recsys_pipeline.simulation.life_config import LifeConfig

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


def examination(places: int, bias: float) -> Floats:
    """Probability that each place is looked at, float64 ``(places,)``, the first always.

    ``(1 / log2(1 + r)) ** bias`` for place r from 1, the discount of nDCG to that power.

    >>> examination(3, 1.0).round(2).tolist()
    [1.0, 0.63, 0.5]
    """
    looked: Floats = np.log2(np.arange(2, places + 2)) ** -bias
    return looked


def page(open_places: npt.NDArray[np.bool_], places: int) -> tuple[Rows, Rows, Rows]:
    """The first `places` open places of each list.

    Args:
        open_places: bool ``(n, m)``, which places of each list may be shown.
        places: how many a page shows.

    Returns:
        three arrays of one length, in order of row and place: row of `open_places`, column of
        it, and place on the page from 0.

    >>> row, column, place = page(np.array([[True, False, True, True]]), 2)
    >>> column.tolist(), place.tolist()
    ([0, 2], [0, 1])
    """
    place = np.cumsum(open_places, axis=1, dtype=np.int16) - np.int16(1)
    row, column = np.nonzero(open_places & (place < places))
    return row, column, place[row, column].astype(np.int64)


def choosing(
    config: LifeConfig,
    place: Rows,
    like: Floats,
    attention: Floats,
    shown_before: npt.NDArray[np.uint8],
    genre_watched: npt.NDArray[np.float32],
) -> Floats:
    """Probability that each movie on a page is looked at and chosen: float64 ``(n,)``, 0 to 1.

    The product of: the look at its place; ``attraction × like ** sharpness``; the user's
    attention; ``(1 − fatigue) ** shown_before``; ``(1 − boredom) ** genre_watched``.

    Args:
        config: the rates.
        place: on the page, from 0.
        like: true probability that the user likes the movie.
        attention: of the user, around 1.
        shown_before: times that the movie was shown to the user in vain, as far as remembered.
        genre_watched: movies of its genre that the user watched, as far as remembered.
    """
    drawn = config.attraction * like**config.sharpness * attention
    fresh = ((1 - config.fatigue) ** np.arange(256))[shown_before]
    bored = (1 - config.boredom) ** genre_watched.astype(np.float64)
    looked = examination(config.places, config.position_bias)[place]
    return looked * np.minimum(drawn * fresh * bored, 1)
