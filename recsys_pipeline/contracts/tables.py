"""The canonical tables."""

from typing import Final

from recsys_pipeline.contracts import names as n
from recsys_pipeline.contracts.table import Column, Contract, Kind

USERS: Final = Contract(
    "users",
    "One row per person who may get a list.",
    (
        Column(n.USER_ID, Kind.ID, "Identifies the user.", required=True),
        Column(n.AGE, Kind.NUMBER, "Age.", unit="years", minimum=0, maximum=120),
        Column(n.SEGMENT, Kind.TEXT, "Marketing segment, such as young, adult or senior."),
        Column(n.PREFERRED_GENRES, Kind.TEXTS, "Genres that the user says to like."),
        Column(
            n.SUBSCRIPTION_MONTHS, Kind.NUMBER, "Time subscribed so far.", unit="months", minimum=0
        ),
        Column(n.SESSIONS_PER_WEEK, Kind.NUMBER, "Visits in a usual week.", minimum=0),
        Column(n.GENDER, Kind.TEXT, "Gender as the source states it."),
        Column(n.OCCUPATION, Kind.TEXT, "Occupation as the source states it."),
        Column(n.COUNTRY, Kind.TEXT, "Country or region."),
        Column(n.SIGNUP_AT, Kind.TIME, "When the user signed up."),
    ),
    key=(n.USER_ID,),
)

MOVIES: Final = Contract(
    "movies",
    "One row per title of the catalogue.",
    (
        Column(n.MOVIE_ID, Kind.ID, "Identifies the movie.", required=True),
        Column(n.TITLE, Kind.TEXT, "Title shown to people."),
        Column(n.GENRES, Kind.TEXTS, "Genres; a single genre is a list of one."),
        Column(n.YEAR, Kind.INTEGER, "Year of release.", minimum=1870, maximum=2100),
        Column(n.DURATION_MINUTES, Kind.NUMBER, "Running time.", unit="minutes", minimum=0),
        Column(
            n.MEAN_RATING,
            Kind.NUMBER,
            "Mean rating from outside, not computed from the interactions.",
            unit="stars",
            minimum=0,
            maximum=5,
        ),
        Column(n.RATING_COUNT, Kind.NUMBER, "How many ratings the mean has.", minimum=0),
        Column(n.AVAILABLE_FROM, Kind.TIME, "First moment at which it may be recommended."),
        Column(n.AVAILABLE_UNTIL, Kind.TIME, "Last moment at which it may be recommended."),
    ),
    key=(n.MOVIE_ID,),
)

INTERACTIONS: Final = Contract(
    "interactions",
    "One row each time that a user did something with a movie.",
    (
        Column(n.USER_ID, Kind.ID, "Who.", required=True, references="users"),
        Column(n.MOVIE_ID, Kind.ID, "With which movie.", required=True, references="movies"),
        Column(n.TIMESTAMP, Kind.TIME, "When, in UTC.", not_after_as_of=True),
        Column(n.LIKED, Kind.FLAG, "Whether the user liked it."),
        Column(n.WATCH_FRACTION, Kind.NUMBER, "Share of the movie watched.", minimum=0, maximum=1),
        Column(
            n.RATING, Kind.NUMBER, "The user's own rating.", unit="stars", minimum=0.5, maximum=5
        ),
        Column(n.EVENT_TYPE, Kind.TEXT, "What was done, such as view, click or rating."),
    ),
    key=(n.USER_ID, n.MOVIE_ID, n.TIMESTAMP, n.EVENT_TYPE),
)

TOP_N: Final = Contract(
    "top_n",
    "The list of every user: k movies that the user has not seen, best first.",
    (
        Column(n.USER_ID, Kind.ID, "Whose list.", required=True, references="users"),
        Column(n.RANK, Kind.INTEGER, "Place in the list, from 1.", required=True, minimum=1),
        Column(n.MOVIE_ID, Kind.ID, "The movie.", required=True, references="movies"),
        Column(
            n.SCORE,
            Kind.NUMBER,
            "Estimated probability that the user takes to it.",
            required=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            n.SOURCE,
            Kind.TEXT,
            "Recommender that placed it here, or what the place is for: serendipity, exploration.",
            required=True,
        ),
        Column(n.REASON, Kind.TEXT, "Why, for people.", required=True),
        Column(n.RELEASE, Kind.TEXT, "Release that the list belongs to.", required=True),
        Column(
            n.PROPENSITY,
            Kind.NUMBER,
            "Probability with which it got this place: 1 but where it was drawn to explore.",
            minimum=0,
            maximum=1,
        ),
        Column(n.TITLE, Kind.TEXT, "Title of the movie."),
    ),
    key=(n.USER_ID, n.RANK),
)

SOURCE_TABLES: Final = (USERS, MOVIES, INTERACTIONS)
"""The three tables that a user brings, in the order in which they are read."""
