"""The tables of what happened online: what was shown, what people did, and both by week."""

from typing import Final

from recsys_pipeline.contracts import names as n
from recsys_pipeline.contracts.table import Column, Contract, Kind

IMPRESSIONS: Final = Contract(
    "impressions",
    "One row per movie shown to somebody who is named: by which release and arm, at which place.",
    (
        Column(n.REQUEST_ID, Kind.TEXT, "Answer that showed it.", required=True),
        Column(n.USER_ID, Kind.ID, "To whom.", required=True, references="users"),
        Column(n.MOVIE_ID, Kind.ID, "Which movie.", required=True, references="movies"),
        Column(n.SHOWN_AT, Kind.TIME, "When, in UTC.", required=True, not_after_as_of=True),
        Column(n.RANK, Kind.INTEGER, "Place in the answer, from 1.", required=True, minimum=1),
        Column(n.RELEASE, Kind.TEXT, "Release that the list came from.", required=True),
        Column(n.ANSWER_KIND, Kind.TEXT, "How the list came to be, such as stored or cold."),
        Column(n.PERSONAL, Kind.FLAG, "Whether it rests on something known of the person."),
        Column(n.EXPERIMENT, Kind.TEXT, "Experiment that the user is in; empty for none."),
        Column(n.ARM, Kind.TEXT, "Arm of that experiment; empty for none."),
        Column(
            n.PROPENSITY,
            Kind.NUMBER,
            "Probability with which it got this place.",
            minimum=0,
            maximum=1,
        ),
        Column(n.CLICKED_AT, Kind.TIME, "First click that is attributed to it; missing for none."),
        Column(
            n.WATCH_MINUTES,
            Kind.NUMBER,
            "Time watched that is attributed to it.",
            unit="minutes",
            minimum=0,
        ),
        Column(n.RATING, Kind.NUMBER, "Rating that is attributed to it.", unit="stars"),
    ),
    key=(n.REQUEST_ID, n.RANK),
)

ACTIONS: Final = Contract(
    "actions",
    "One row each time that somebody who is named did something with a movie online.",
    (
        Column(n.USER_ID, Kind.ID, "Who.", required=True, references="users"),
        Column(n.MOVIE_ID, Kind.ID, "With which movie.", required=True, references="movies"),
        Column(n.TIMESTAMP, Kind.TIME, "When, in UTC.", required=True, not_after_as_of=True),
        Column(n.EVENT_TYPE, Kind.TEXT, "What was done: view, click, rating, useful, not_for_me."),
        Column(n.RATING, Kind.NUMBER, "Rating given.", unit="stars", minimum=0.5, maximum=5),
        Column(n.WATCH_FRACTION, Kind.NUMBER, "Share of the movie watched.", minimum=0, maximum=1),
        Column(n.REQUEST_ID, Kind.TEXT, "Answer that showed the movie; empty where nobody says."),
    ),
    key=(n.USER_ID, n.MOVIE_ID, n.TIMESTAMP, n.EVENT_TYPE),
)

USER_WEEKS: Final = Contract(
    "user_weeks",
    "One row per user and week in which the user was shown something or did something.",
    (
        Column(n.USER_ID, Kind.ID, "Who.", required=True, references="users"),
        Column(n.WEEK, Kind.TIME, "First moment of the week, in UTC.", required=True),
        Column(n.SEGMENT, Kind.TEXT, "Segment of the user; empty where none is known."),
        Column(n.EXPERIMENT, Kind.TEXT, "Experiment of the user's first answer; empty for none."),
        Column(n.ARM, Kind.TEXT, "Arm of that answer; empty for none."),
        Column(n.ANSWERS, Kind.INTEGER, "Lists shown.", minimum=0),
        Column(n.ANSWERS_CLICKED, Kind.INTEGER, "Lists of which a movie was clicked.", minimum=0),
        Column(n.ANSWERS_FALLBACK, Kind.INTEGER, "Lists that were not personal.", minimum=0),
        Column(n.IMPRESSIONS, Kind.INTEGER, "Movies shown.", minimum=0),
        Column(n.CLICKS, Kind.INTEGER, "Movies shown that were clicked.", minimum=0),
        Column(
            n.WATCH_MINUTES,
            Kind.NUMBER,
            "Time watched, of whatever movie.",
            unit="minutes",
            minimum=0,
        ),
        Column(n.RATINGS, Kind.INTEGER, "Ratings that belong to movies shown.", minimum=0),
        Column(n.RATING_SUM, Kind.NUMBER, "Sum of these ratings.", unit="stars", minimum=0),
        Column(n.ACTIONS, Kind.INTEGER, "Everything done, clicks included.", minimum=0),
        Column(
            n.ACTIVE_DAYS,
            Kind.INTEGER,
            "Days, counted from the week's start, with an action.",
            minimum=0,
            maximum=7,
        ),
    ),
    key=(n.USER_ID, n.WEEK),
)
