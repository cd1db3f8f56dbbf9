"""Every column name of the canonical tables, written once."""

from typing import Final

USER_ID: Final = "user_id"
MOVIE_ID: Final = "movie_id"

# users
AGE: Final = "age"
SEGMENT: Final = "segment"
PREFERRED_GENRES: Final = "preferred_genres"
SUBSCRIPTION_MONTHS: Final = "subscription_months"
SESSIONS_PER_WEEK: Final = "sessions_per_week"
GENDER: Final = "gender"
OCCUPATION: Final = "occupation"
COUNTRY: Final = "country"
SIGNUP_AT: Final = "signup_at"

# users, derived from the history as of `as_of`
HISTORY_LENGTH: Final = "history_length"
HISTORY_LIKED_SHARE: Final = "history_liked_share"
HISTORY_GENRES: Final = "history_genres"
HISTORY_LAST_AT: Final = "history_last_at"

# movies
TITLE: Final = "title"
GENRES: Final = "genres"
YEAR: Final = "year"
DURATION_MINUTES: Final = "duration_minutes"
MEAN_RATING: Final = "mean_rating"
RATING_COUNT: Final = "rating_count"
AVAILABLE_FROM: Final = "available_from"
AVAILABLE_UNTIL: Final = "available_until"

# interactions
TIMESTAMP: Final = "timestamp"
LIKED: Final = "liked"
WATCH_FRACTION: Final = "watch_fraction"
RATING: Final = "rating"
EVENT_TYPE: Final = "event_type"

# top_n
RANK: Final = "rank"
SCORE: Final = "score"
SOURCE: Final = "source"
REASON: Final = "reason"
RELEASE: Final = "release"
PROPENSITY: Final = "propensity"

# impressions
SHOWN_AT: Final = "shown_at"
REQUEST_ID: Final = "request_id"
ANSWER_KIND: Final = "answer_kind"
PERSONAL: Final = "personal"
EXPERIMENT: Final = "experiment"
ARM: Final = "arm"
CLICKED_AT: Final = "clicked_at"
WATCH_MINUTES: Final = "watch_minutes"

# user weeks
WEEK: Final = "week"
ANSWERS: Final = "answers"
ANSWERS_CLICKED: Final = "answers_clicked"
ANSWERS_FALLBACK: Final = "answers_fallback"
IMPRESSIONS: Final = "impressions"
CLICKS: Final = "clicks"
RATINGS: Final = "ratings"
RATING_SUM: Final = "rating_sum"
ACTIONS: Final = "actions"
ACTIVE_DAYS: Final = "active_days"

# provenance that every mapped table carries until its rows are cleaned
SOURCE_FILE: Final = "source_file"
SOURCE_ROW: Final = "source_row"

# quarantine
TABLE: Final = "table"
RULES: Final = "rules"
ROW: Final = "row"


def raw(column: str) -> str:
    """Name of the companion column that holds the text of values that could not be parsed.

    >>> raw("timestamp")
    'timestamp__raw'
    """
    return f"{column}__raw"
