"""What column names mean: the usual English, French and data set names of canonical columns."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, USERS
from recsys_pipeline.contracts import names as n

_USER_ID = (
    "user uid user_no user_number customer_id customer client_id member_id member account_id "
    "subscriber_id visitor_id viewer_id reviewer_id profile_id",
    "utilisateur_id id_utilisateur utilisateur id_client client membre id_membre abonne id_abonne "
    "identifiant_utilisateur id_user",
)
_MOVIE_ID = (
    "movie film_id film item_id item iid mid product_id product article_id video_id show_id "
    "content_id title_id asin parent_asin sku isbn book_id anime_id song_id track_id tconst",
    "id_film id_movie id_produit produit_id produit oeuvre_id id_oeuvre id_article id_video "
    "identifiant_film id_contenu id_item",
)

WORDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    USERS.name: {
        n.USER_ID: (_USER_ID[0] + " id", _USER_ID[1] + " identifiant"),
        n.AGE: ("age_years user_age", "age_utilisateur age_client"),
        n.SEGMENT: ("customer_segment user_segment", "segment_client segment_utilisateur tranche"),
        n.PREFERRED_GENRES: (
            "favorite_genres favourite_genres liked_genres favorite_genre interests",
            "genres_preferes genre_prefere genres_favoris genre_favori genres gouts",
        ),
        n.SUBSCRIPTION_MONTHS: (
            "months_subscribed tenure_months tenure membership_months subscription_length_months",
            "abonnement_mois mois_abonnement anciennete_mois duree_abonnement_mois",
        ),
        n.SESSIONS_PER_WEEK: (
            "weekly_sessions sessions_weekly visits_per_week",
            "sessions_par_semaine sessions_semaine visites_par_semaine",
        ),
        n.GENDER: ("sex", "sexe genre"),
        n.OCCUPATION: ("job profession", "metier emploi"),
        n.COUNTRY: ("region location nation", "pays"),
        n.SIGNUP_AT: (
            "signup_date registered_at registration_date registration_init_time joined_at "
            "join_date created_at member_since",
            "date_inscription inscription inscrit_le date_abonnement",
        ),
    },
    MOVIES.name: {
        n.MOVIE_ID: (_MOVIE_ID[0] + " id", _MOVIE_ID[1] + " identifiant"),
        n.TITLE: (
            "movie_title item_title primary_title product_title name movie_name item_name",
            "titre titre_film nom nom_film intitule",
        ),
        n.GENRES: (
            "genre main_genre primary_genre categories category listed_in class",
            "genre_principal genres_film categorie",
        ),
        n.YEAR: (
            "release_year movie_year start_year year_of_release release_date date_released",
            "annee annee_sortie annee_de_sortie date_sortie date_de_sortie",
        ),
        n.DURATION_MINUTES: (
            "duration runtime runtime_minutes running_time length_minutes duration_min",
            "duree duree_minutes duree_min",
        ),
        n.MEAN_RATING: (
            "average_rating avg_rating rating_mean vote_average imdb_rating imdb_score",
            "note_moyenne moyenne_notes moyenne",
        ),
        n.RATING_COUNT: (
            "num_ratings n_ratings ratings_count vote_count num_votes votes rating_number",
            "nb_votes nombre_votes nb_notes nombre_de_votes nombre_notes",
        ),
        n.AVAILABLE_FROM: ("date_added available_since added_at", "disponible_depuis date_ajout"),
        n.AVAILABLE_UNTIL: ("expires_at available_to", "disponible_jusqu_au date_retrait"),
    },
    INTERACTIONS.name: {
        n.USER_ID: _USER_ID,
        n.MOVIE_ID: _MOVIE_ID,
        n.TIMESTAMP: (
            "ts event_time event_timestamp timestamp_ms datetime date_time time date event_date "
            "occurred_at watched_at viewed_at rated_at unix_review_time review_time created_at "
            "visit_date",
            "horodatage date_heure date_visionnage date_interaction date_note vu_le heure",
        ),
        n.LIKED: ("like is_liked is_like thumbs_up", "a_aime aime jaime j_aime"),
        n.WATCH_FRACTION: (
            "pct watch_pct watch_percent watch_percentage watch_ratio watched_pct pct_watched "
            "percent_watched completion completion_rate progress play_ratio",
            "temps_visionne_pct pourcentage_visionne part_vue part_visionnee taux_visionnage "
            "taux_completion pct_visionne",
        ),
        n.RATING: (
            "user_rating ratings stars star_rating overall score book_rating vote",
            "note_utilisateur note note_client evaluation etoiles",
        ),
        n.EVENT_TYPE: (
            "event interaction_type behavior_type behavior behaviour action activity type",
            "type_evenement evenement type_interaction type_action",
        ),
    },
}
"""Canonical column → usual English names, usual French names; the likeliest first."""

TABLE_WORDS: Final[dict[str, str]] = {
    USERS.name: "user users utilisateur utilisateurs client clients customer customers membre "
    "membres abonnes profiles profils",
    MOVIES.name: "movie movies film films item items catalogue catalog product products produits "
    "titles titres videos contenus oeuvres",
    INTERACTIONS.name: "interaction interactions rating ratings notes event events evenements "
    "inter history historique views vues visionnages logs reviews clicks train",
}


def compact(name: str) -> str:
    """`name` without accents, case, spaces and punctuation.

    >>> compact("Durée (minutes)"), compact("userId")
    ('dureeminutes', 'userid')
    """
    plain = unicodedata.normalize("NFKD", name)
    return re.sub(r"[^a-z0-9]", "", plain.encode("ascii", "ignore").decode().lower())


def guess_columns(table: str, columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Canonical column → (column of the file, reason), judged by names alone.

    Each column of the file serves at most once; of several that would do, the likeliest.
    """
    by_compact: dict[str, str] = {}
    for column in columns:
        by_compact.setdefault(compact(column), column)
    found: dict[str, tuple[str, str]] = {}
    for canonical, languages in WORDS[table].items():
        if canonical in columns:
            found[canonical] = (canonical, "same name")
        elif compact(canonical) in by_compact:
            found[canonical] = (by_compact[compact(canonical)], "same name, written differently")
        else:
            match = _first_match(languages, by_compact)
            if match is not None:
                found[canonical] = match
    return _without_repeats(found)


def _first_match(languages: tuple[str, str], columns: dict[str, str]) -> tuple[str, str] | None:
    for words, reason in zip(languages, ("a usual name for it", "French for it"), strict=True):
        for word in words.split():
            if compact(word) in columns:
                return columns[compact(word)], reason
    return None


def _without_repeats(found: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    taken: set[str] = set()
    kept = {}
    # Names that are canonical already claim their column before synonyms do.
    order = sorted(found, key=lambda name: not found[name][1].startswith("same"))
    for canonical in order:
        if found[canonical][0] not in taken:
            taken.add(found[canonical][0])
            kept[canonical] = found[canonical]
    return {canonical: kept[canonical] for canonical in found if canonical in kept}


def table_by_name(stem: str) -> str | None:
    """The table that the name of a file suggests, or None.

    >>> table_by_name("ml-100k.inter"), table_by_name("Utilisateurs_2024.csv")
    ('interactions', 'users')
    """
    words = set(re.split(r"[^a-z]+", _plain(stem)))
    for table in (INTERACTIONS.name, USERS.name, MOVIES.name):
        if words & set(TABLE_WORDS[table].split()):
            return table
    return None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
