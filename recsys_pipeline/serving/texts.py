"""How the page speaks: its words in each language, and numbers and days as people write them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

from recsys_pipeline.serving.texts_online import WORDS as _ONLINE
from recsys_pipeline.serving.texts_words import WORDS as _PEOPLE

Language = Literal["en", "fr"]
LANGUAGES: Final[Mapping[Language, str]] = {"en": "English", "fr": "Français"}
"""The languages by code, each in its own words."""

_WORDS: Final = {**_PEOPLE, **_ONLINE}

_MONTHS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "fr": (
        "janv.", "févr.", "mars", "avr.", "mai", "juin",
        "juil.", "août", "sept.", "oct.", "nov.", "déc.",
    ),
}  # fmt: skip

_METRICS_FR: Final[Mapping[str, str]] = {
    "Share of likes in its own top 5 %": "Part de «\u202faimés\u202f» dans ses meilleurs 5\u202f%",
    "AUC within a user": "AUC par utilisateur",
    "Catalogue coverage": "Couverture du catalogue",
    "Diversity within a list": "Diversité d'une liste",
    "Novelty (bits)": "Nouveauté (bits)",
    "Precision": "Précision",
    "Recall": "Rappel",
    "Hit rate": "Taux de succès",
    "Serendipity": "Sérendipité",
}


class Words:
    """The words of one language.

    Args:
        language: which one.
    """

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._column = tuple(LANGUAGES).index(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text under `key`, with values filled in; a key without a text is its own text."""
        texts = _WORDS.get(key)
        return key if texts is None else texts[self._column].format(**values)

    def number(self, value: float, digits: int = 0) -> str:
        """A number as people of this language write it.

        >>> Words("en").number(12345.678, 1), Words("fr").number(0.5, 2)
        ('12,345.7', '0,50')
        """
        text = f"{value:,.{digits}f}"
        if self.language == "en":
            return text
        return text.translate({ord(","): "\u202f", ord("."): ","})

    def percent(self, share: float) -> str:
        """A share (0 to 1) in per cent.

        >>> Words("en").percent(0.974)
        '97%'
        """
        return self.number(100 * share) + ("%" if self.language == "en" else "\u202f%")

    def day(self, moment: str | None) -> str:
        """The day of an ISO time, in UTC; empty for none.

        >>> Words("en").day("2023-12-31T23:49:56+00:00"), Words("fr").day("2024-08-01")
        ('31 Dec 2023', '1 août 2024')
        """
        if not moment:
            return ""
        when = datetime.fromisoformat(moment)
        if when.tzinfo is not None:
            when = when.astimezone(UTC)
        return f"{when.day} {_MONTHS[self.language][when.month - 1]} {when.year}"

    def ago(self, seconds: float) -> str:
        """How long something is ago.

        >>> Words("en").ago(30), Words("en").ago(7300), Words("fr").ago(3 * 86400)
        ('just now', '2 h ago', 'il y a 3 jours')
        """
        for key, unit, most in (
            ("ago_minutes", 60, 7_200),
            ("ago_hours", 3_600, 172_800),
            ("ago_days", 86_400, float("inf")),
        ):
            if seconds < most:
                count = int(seconds // unit)
                return self(key, count=self.number(count)) if count else self("ago_now")
        raise AssertionError("no time is longer than for ever")

    def metric(self, label: str) -> str:
        """The name of a metric for people, from its English one."""
        if self.language == "en":
            return label
        base, at, k = label.partition("@")
        return _METRICS_FR.get(base, base) + at + k


WORDS: Final[Mapping[Language, Words]] = {code: Words(code) for code in LANGUAGES}


def keys() -> frozenset[str]:
    """Every key that has a text."""
    return frozenset(_WORDS)


def language_of(chosen: str | None, accepted: str) -> Language:
    """The language to answer in.

    Args:
        chosen: code that the person chose, or None.
        accepted: the header Accept-Language, or empty.

    >>> language_of(None, "de-CH, fr;q=0.9, en;q=0.8"), language_of("en", "fr")
    ('fr', 'en')
    """
    for code in LANGUAGES:
        if chosen == code:
            return code
    ranked: list[tuple[float, int, Language]] = []
    for place, part in enumerate(accepted[:500].split(",")):
        name, _, weight = part.partition(";")
        for code in LANGUAGES:
            if name.strip().lower().partition("-")[0] == code:
                ranked.append((-_weight(weight), place, code))
    return min(ranked)[2] if ranked else "en"


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
