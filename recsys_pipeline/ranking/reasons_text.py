"""The words of reasons, for people. Another language is one more entry in each table here."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from recsys_pipeline.contracts import names as n
from recsys_pipeline.ranking.reasons_evidence import Evidence, Reason

Language = Literal["en", "fr"]


PHRASES: Final[Mapping[Language, Mapping[int, str]]] = {
    "en": {
        Reason.NONE: "",
        Reason.MOVIES_LIKED: "because you liked {movies}",
        Reason.MOVIES_MET: "based on {movies} in your history",
        Reason.HISTORY: "fits your history as a whole",
        Reason.PREFERRED_GENRE: "{value}, a genre you prefer",
        Reason.GENRE_PEERS: "popular with people who prefer {value}",
        Reason.AGE: "popular with people {value}",
        Reason.SEGMENT: "popular with people in your segment ({value})",
        Reason.COUNTRY: "popular in {value}",
        Reason.COLUMN: "popular with people like you ({value})",
        Reason.PROFILE: "fits your profile",
        Reason.POPULAR: "popular with everybody",
        Reason.GENERAL: "a good choice for most people",
        Reason.NEW: "new here, matches {value}",
        Reason.RANDOM: "a random choice",
        Reason.FITS: "fits your history and profile",
        Reason.HISTORY_LEANING: "your history leans towards {value}",
        Reason.OTHER: "one more of the catalogue",
        Reason.HISTORY_GENRE: "because of the {value} movies in your history",
    },
    "fr": {
        Reason.NONE: "",
        Reason.MOVIES_LIKED: "parce que vous avez aimé {movies}",
        Reason.MOVIES_MET: "d'après {movies} dans votre historique",
        Reason.HISTORY: "correspond à l'ensemble de votre historique",
        Reason.PREFERRED_GENRE: "{value}, un genre que vous préférez",
        Reason.GENRE_PEERS: "populaire auprès de ceux qui préfèrent {value}",
        Reason.AGE: "populaire auprès des {value}",
        Reason.SEGMENT: "populaire dans votre segment ({value})",
        Reason.COUNTRY: "populaire dans votre pays ({value})",
        Reason.COLUMN: "populaire auprès de ceux qui vous ressemblent ({value})",
        Reason.PROFILE: "correspond à votre profil",
        Reason.POPULAR: "populaire auprès de tous",
        Reason.GENERAL: "un bon choix pour la plupart des gens",
        Reason.NEW: "nouveau ici, proche de {value}",
        Reason.RANDOM: "un choix au hasard",
        Reason.FITS: "correspond à votre historique et à votre profil",
        Reason.HISTORY_LEANING: "votre historique penche vers {value}",
        Reason.OTHER: "un autre titre du catalogue",
        Reason.HISTORY_GENRE: "en raison des films {value} de votre historique",
    },
}

PLACES: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("{reason}", "outside your usual: {reason}", "something new for you: {reason}"),
    "fr": ("{reason}", "hors de vos habitudes : {reason}", "une découverte pour vous : {reason}"),
}
"""What stands around a reason, by the kind of place: personal, serendipity, exploration."""

QUOTED: Final[Mapping[Language, str]] = {"en": "“{}”", "fr": "« {} »"}
AND: Final[Mapping[Language, str]] = {"en": " and ", "fr": " et "}
AGES: Final[Mapping[Language, tuple[str, str, str]]] = {
    "en": ("aged {low}–{high}", "aged {low} and over", "aged {high} and under"),
    "fr": ("{low}–{high} ans", "{low} ans et plus", "{high} ans et moins"),
}
"""A range of ages: closed, open above, open below."""

COLUMNS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        n.SUBSCRIPTION_MONTHS: "time subscribed",
        n.SESSIONS_PER_WEEK: "visits per week",
        n.GENDER: "gender",
        n.OCCUPATION: "occupation",
        n.SIGNUP_AT: "date of signing up",
    },
    "fr": {
        n.SUBSCRIPTION_MONTHS: "durée d'abonnement",
        n.SESSIONS_PER_WEEK: "visites par semaine",
        n.GENDER: "sexe",
        n.OCCUPATION: "profession",
        n.SIGNUP_AT: "date d'inscription",
    },
}
"""Words for columns of profiles; a column that has none here is named as it is."""

_NAMES_MOVIES: Final = (Reason.MOVIES_LIKED, Reason.MOVIES_MET)
_NAMES_VALUE: Final = tuple(kind for kind in Reason if "{value}" in PHRASES["en"][kind])


def sentence(
    evidence: Evidence,
    titles: npt.NDArray[np.object_],
    language: Language,
    places: npt.NDArray[np.uint8] | None = None,
) -> npt.NDArray[np.object_]:
    """The reasons for people, one phrase per place: object ``(n, k)`` of str, "" for no movie.

    Args:
        evidence: what `explain` found.
        titles: object ``(n_items,)``, the movies' titles.
        language: of the words; titles and genres stay as they are in the data.
        places: uint8 ``(n, k)``, the kinds of places of `reranking.Placed`; None: all personal.
    """
    phrases, around = PHRASES[language], PLACES[language]
    out = np.full(evidence.kinds.shape, "", dtype=object)
    where = np.nonzero(evidence.kinds != Reason.NONE)
    kinds, movies = evidence.kinds[where].tolist(), evidence.movies[where].tolist()
    columns, values = evidence.columns[where].tolist(), evidence.values[where].tolist()
    around_each = [0] * len(kinds) if places is None else places[where].tolist()
    texts = np.empty(len(kinds), dtype=object)
    for number, kind in enumerate(kinds):
        text = phrases[kind]
        if kind in _NAMES_MOVIES:
            named = [titles[movie] for movie in movies[number] if movie >= 0]
            text = text.format(movies=_list_of(named, language))
        elif kind in _NAMES_VALUE:
            value = _value(kind, columns[number], values[number], language)
            text = text.format(value=value)
        texts[number] = around[around_each[number]].format(reason=text)
    out[where] = texts
    return out


def _list_of(titles: list[Any], language: Language) -> str:
    quoted = [QUOTED[language].format(title) for title in titles]
    if len(quoted) == 1:
        return quoted[0]
    return ", ".join(quoted[:-1]) + AND[language] + quoted[-1]


def _value(kind: int, column: str | None, value: Any, language: Language) -> str:
    if kind == Reason.AGE and isinstance(value, tuple):
        closed, above, below = AGES[language]
        low, high = value
        if low is None:
            return below.format(high=int(np.ceil(high)))
        if high is None:
            return above.format(low=int(low))
        return closed.format(low=int(low), high=int(np.ceil(high)))
    if kind == Reason.COLUMN:
        name = COLUMNS[language].get(str(column), str(column))
        return f"{name}: {value}" if isinstance(value, str) else name
    return str(value)
