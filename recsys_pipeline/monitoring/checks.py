"""The names of everything that may raise an alarm, known before any week is looked at."""

from collections.abc import Mapping
from typing import Final, Literal

Level = Literal["warning", "error"]

USERS_VOLUME: Final = "users_volume"
MOVIES_VOLUME: Final = "movies_volume"
INTERACTIONS_VOLUME: Final = "interactions_volume"
IMPRESSIONS_VOLUME: Final = "impressions_volume"
ACTIONS_VOLUME: Final = "actions_volume"
USERS_SHIFTED: Final = "users_shifted"
MOVIES_GENRES_SHIFTED: Final = "movies_genres_shifted"
MOVIES_PRICE_SHIFTED: Final = "movies_price_shifted"
MOVIES_SHIFTED: Final = "movies_shifted"
INTERACTIONS_SHIFTED: Final = "interactions_shifted"
USERS_MISSING: Final = "users_missing"
MOVIES_MISSING: Final = "movies_missing"
INTERACTIONS_MISSING: Final = "interactions_missing"
USERS_VALUES_NEW: Final = "users_values_new"
MOVIES_VALUES_NEW: Final = "movies_values_new"
INTERACTIONS_VALUES_NEW: Final = "interactions_values_new"
SCORES_SHIFTED: Final = "scores_shifted"
LISTS_SHIFTED: Final = "lists_shifted"
BEHAVIOUR_SHIFTED: Final = "behaviour_shifted"
ROBOTS: Final = "robots"
AVAILABILITY_MISSED: Final = "availability_missed"
GUARDRAIL_BROKEN: Final = "guardrail_broken"
ARM_LISTS_OLD: Final = "arm_lists_old"

RATE_CHECKS: Final[Mapping[str, tuple[str, int]]] = {
    "click_through_fell": ("click_through", -1),
    "click_through_rose": ("click_through", 1),
    "list_click_through_fell": ("list_click_through", -1),
    "clicks_fell": ("clicks", -1),
    "watch_minutes_fell": ("watch_minutes", -1),
    "satisfaction_fell": ("satisfaction", -1),
    "active_days_fell": ("active_days", -1),
    "return_rate_fell": ("return_rate", -1),
    "churn_rate_rose": ("churn_rate", 1),
    "fallback_share_rose": ("fallback_share", 1),
    "coverage_fell": ("coverage", -1),
    "concentration_rose": ("concentration", 1),
}
"""Checks of online figures: the metric, and the direction that raises the alarm."""

CHECKS: Final[Mapping[str, str]] = {
    USERS_VOLUME: "The users table has about as many rows as in the weeks before.",
    MOVIES_VOLUME: "The movies table has about as many rows as in the weeks before.",
    INTERACTIONS_VOLUME: "The week has about as many interactions, and of as many users, as usual.",
    IMPRESSIONS_VOLUME: "About as many movies were shown as in the weeks before.",
    ACTIONS_VOLUME: "People did about as much online as in the weeks before.",
    USERS_SHIFTED: "The columns of the users are distributed as when the release was trained.",
    MOVIES_GENRES_SHIFTED: "The movies have the genres that the release was trained with.",
    MOVIES_PRICE_SHIFTED: "Prices and costs of the movies are as when the release was trained.",
    MOVIES_SHIFTED: "The other columns of the movies are as when the release was trained.",
    INTERACTIONS_SHIFTED: "Shares watched, ratings and likes are distributed as in training.",
    USERS_MISSING: "No column of the users misses more values than in training.",
    MOVIES_MISSING: "No column of the movies misses more values than in training.",
    INTERACTIONS_MISSING: "No column of the interactions misses more values than in training.",
    USERS_VALUES_NEW: "The texts of the users, such as segments, are those known in training.",
    MOVIES_VALUES_NEW: "The texts of the movies, such as genres, are those known in training.",
    INTERACTIONS_VALUES_NEW: "The texts of the interactions are those known in training.",
    SCORES_SHIFTED: "Scores of the lists are distributed as those of the release.",
    LISTS_SHIFTED: "Genres, sources, years and popularity of the lists are those of the release.",
    BEHAVIOUR_SHIFTED: "People deal with as many movies, and with the genres, that they used to.",
    "click_through_fell": "As large a share of the movies shown is clicked as before.",
    "click_through_rose": "No larger share of the movies shown is clicked than people would.",
    "list_click_through_fell": "As large a share of the lists has a click as before.",
    "clicks_fell": "A user clicks as much in a week as before.",
    "watch_minutes_fell": "A user watches as long in a week as before.",
    "satisfaction_fell": "Movies that were recommended are rated as well as before.",
    "active_days_fell": "A user is there on as many days as before.",
    "return_rate_fell": "As large a share of the users comes back as before.",
    "churn_rate_rose": "No larger share of the users leaves than before.",
    "fallback_share_rose": "No larger share of the lists is impersonal than before.",
    "coverage_fell": "As large a share of the catalogue is shown as before.",
    "concentration_rose": "What is shown is spread over as many movies as before.",
    ROBOTS: "Nobody does what no person can.",
    AVAILABILITY_MISSED: "The API answered as large a share of the requests as the goal says.",
    GUARDRAIL_BROKEN: "No arm of an experiment does harm beyond its guardrail.",
    ARM_LISTS_OLD: "Arms of experiments answer with lists of the same data as everybody else's.",
}
"""Every check and what holds while it is quiet."""

RETRAINING_CHECKS: Final = frozenset(
    {
        USERS_SHIFTED,
        MOVIES_GENRES_SHIFTED,
        MOVIES_PRICE_SHIFTED,
        MOVIES_SHIFTED,
        INTERACTIONS_SHIFTED,
        USERS_VALUES_NEW,
        MOVIES_VALUES_NEW,
        INTERACTIONS_VALUES_NEW,
        BEHAVIOUR_SHIFTED,
    }
)
"""Alarms that a new training may answer: the world is no longer that of the release."""

_ERRORS: Final = frozenset(
    {
        USERS_VOLUME,
        MOVIES_VOLUME,
        INTERACTIONS_VOLUME,
        USERS_MISSING,
        MOVIES_MISSING,
        INTERACTIONS_MISSING,
        "click_through_fell",
        AVAILABILITY_MISSED,
        GUARDRAIL_BROKEN,
    }
)


def level_of(check: str) -> Level:
    """How grave an alarm of that check is: an error is something broken, a warning may be."""
    return "error" if check in _ERRORS else "warning"
