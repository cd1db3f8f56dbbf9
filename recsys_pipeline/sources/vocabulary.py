"""French values → English ones, so that tables agree with each other."""

from collections.abc import Iterable
from typing import Final

from recsys_pipeline.contracts import names as n
from recsys_pipeline.sources.wording import compact

_GENRES: Final = {
    "drame": "Drama",
    "comedie": "Comedy",
    "documentaire": "Documentary",
    "horreur": "Horror",
    "epouvante": "Horror",
    "epouvantehorreur": "Horror",
    "sciencefiction": "Sci-Fi",
    "aventure": "Adventure",
    "fantastique": "Fantasy",
    "guerre": "War",
    "policier": "Crime",
    "musique": "Music",
    "comediemusicale": "Musical",
    "famille": "Family",
    "familial": "Family",
    "histoire": "History",
    "historique": "History",
    "romantique": "Romance",
    "amour": "Romance",
    "mystere": "Mystery",
    "dessinanime": "Animation",
    "dessinsanimes": "Animation",
    "biographie": "Biography",
    "jeunesse": "Children",
    "enfants": "Children",
    "suspense": "Thriller",
}
_SEGMENTS: Final = {
    "jeune": "young",
    "jeunes": "young",
    "adulte": "adult",
    "adultes": "adult",
    "senior": "senior",
    "seniors": "senior",
    "ado": "teen",
    "ados": "teen",
    "adolescents": "teen",
    "enfants": "child",
}
_EVENTS: Final = {
    "vue": "view",
    "visionnage": "view",
    "clic": "click",
    "achat": "purchase",
    "notation": "rating",
    "jaime": "like",
    "panier": "cart",
}
_WORDS: Final = {
    n.GENRES: _GENRES,
    n.PREFERRED_GENRES: _GENRES,
    n.SEGMENT: _SEGMENTS,
    n.EVENT_TYPE: _EVENTS,
}
# Words that English has too: alone they do not show that the values are French.
_SHARED: Final = frozenset({"senior", "seniors", "sciencefiction", "suspense", "romance", "ado"})


def translations(column: str, values: Iterable[str]) -> dict[str, str]:
    """Value in the file → English value, for those that change; empty where nothing is French.

    >>> translations("segment", ["Jeunes", "Seniors", "VIP"])
    {'Jeunes': 'young', 'Seniors': 'senior'}
    """
    words = _WORDS.get(column, {})
    known = {value: words[compact(value)] for value in values if compact(value) in words}
    if not any(compact(value) not in _SHARED for value in known):
        return {}
    return {value: english for value, english in sorted(known.items()) if value != english}


def same_spelling(values: Iterable[str], wanted: Iterable[str]) -> dict[str, str]:
    """Value → the spelling in `wanted` that differs only in case, accents or punctuation.

    >>> same_spelling(["sci fi", "Drama"], ["Sci-Fi", "Drama"])
    {'sci fi': 'Sci-Fi'}
    """
    by_compact = {compact(value): value for value in sorted(wanted)}
    pairs = {value: by_compact.get(compact(value), value) for value in values}
    return {value: other for value, other in sorted(pairs.items()) if value != other}
