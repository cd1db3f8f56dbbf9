"""The notebook that this package replaces, step by step, at its own size.

`bench_weekly_run.py` runs it. It keeps the notebook's ways: interactions made one by one with the
rows of user and movie looked up by id, a forest on joined features without the preferred genres,
and lists made by asking the forest for one movie at a time, the first 100 of them, with random
numbers where the user's features belong.
"""

from time import perf_counter

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder

USERS, MOVIES, INTERACTIONS = 10_000, 2_000, 150_000
GENRES = ["Action", "Comedy", "Drama", "Horror", "Romance", "Sci-Fi", "Documentary",
          "Animation", "Thriller"]  # fmt: skip
OF_SEGMENT = {
    "young": ["Action", "Animation", "Sci-Fi"],
    "adult": ["Drama", "Comedy", "Thriller"],
    "senior": ["Drama", "Romance", "Documentary"],
}
FEATURES = ["age", "segment_code", "subscription_months", "sessions_per_week", "genre_code",
            "year", "duration_minutes", "mean_rating", "rating_count"]  # fmt: skip


def make_users(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for user_id in range(1, USERS + 1):
        age = float(np.clip(rng.normal(35, 12), 16, 80))
        segment = "young" if age < 25 else "adult" if age < 45 else "senior"
        rows.append(
            {
                "user_id": user_id,
                "age": age,
                "segment": segment,
                "preferred_genres": list(rng.choice(OF_SEGMENT[segment], 2)),
                "subscription_months": rng.exponential(12),
                "sessions_per_week": rng.poisson(4) + 1,
            }
        )
    return pd.DataFrame(rows)


def make_movies(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for movie_id in range(1, MOVIES + 1):
        genre, year = str(rng.choice(GENRES)), int(rng.integers(1990, 2024))
        rating = 3.5 + 0.3 * (year > 2015) + 0.4 * (genre in ("Drama", "Documentary"))
        rows.append(
            {
                "movie_id": movie_id,
                "genre": genre,
                "year": year,
                "duration_minutes": float(np.clip(rng.normal(105, 20), 60, 180)),
                "mean_rating": float(np.clip(rating + rng.normal(0, 0.8), 1, 5)),
                "rating_count": int(rng.poisson(500)) + 50,
            }
        )
    return pd.DataFrame(rows)


def like_probability(user: pd.Series, movie: pd.Series) -> float:
    age_of_movie, p = 2024 - movie["year"], 0.3
    p += 0.4 * (movie["genre"] in user["preferred_genres"])
    p += 0.2 * (
        (user["segment"] == "young" and age_of_movie < 10)
        or (user["segment"] == "senior" and age_of_movie > 20)
    )
    p += 0.3 * (movie["mean_rating"] > 4) - 0.3 * (movie["mean_rating"] < 2.5)
    return float(np.clip(p, 0, 1))


def make_interactions(
    users: pd.DataFrame, movies: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    rows = []
    for _ in range(INTERACTIONS):
        user_id, movie_id = rng.integers(1, USERS + 1), rng.integers(1, MOVIES + 1)
        user = users[users["user_id"] == user_id].iloc[0]
        movie = movies[movies["movie_id"] == movie_id].iloc[0]
        liked = rng.random() < like_probability(user, movie)
        rows.append(
            {
                "user_id": user_id,
                "movie_id": movie_id,
                "days_ago": rng.integers(0, 365),
                "liked": int(liked),
                "watch_fraction": rng.uniform(0.1, 1) if liked else rng.uniform(0.05, 0.4),
                "rating": rng.uniform(1, 5) if liked else rng.uniform(1, 3),
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    rng, started = np.random.default_rng(42), perf_counter()
    users, movies = make_users(rng), make_movies(rng)
    interactions = make_interactions(users, movies, rng)
    made = perf_counter()
    joined = interactions.merge(users, on="user_id")
    joined = joined.merge(movies, on="movie_id", suffixes=("", "_movie"))
    joined["segment_code"] = LabelEncoder().fit_transform(joined["segment"])
    coder = LabelEncoder().fit(movies["genre"])
    joined["genre_code"] = coder.transform(joined["genre"])
    movies["genre_code"] = coder.transform(movies["genre"])
    known, unknown, y, truth = train_test_split(
        joined[FEATURES], joined["liked"], test_size=0.2, random_state=42
    )
    forest = RandomForestClassifier(
        n_estimators=200,
        max_depth=15,
        min_samples_split=20,
        class_weight="balanced",
        n_jobs=-1,
        random_state=42,
    ).fit(known, y)
    p = forest.predict_proba(unknown)[:, 1]
    guess = p > 0.5
    trained = perf_counter()
    served = []
    for user_id in (1, 2, 3):
        user, scores = users.iloc[user_id - 1], []
        for _, movie in movies.head(100).iterrows():
            about_user = rng.random(4)
            about_movie = movie[FEATURES[4:]].to_numpy(dtype=float)
            row = pd.DataFrame([[*about_user, *about_movie]], columns=FEATURES)
            scores.append(forest.predict_proba(row)[0, 1])
        best = np.argsort(scores)[::-1][:5]
        served += [like_probability(user, movies.iloc[place]) for place in best]
    done = perf_counter()
    print(f"    making interactions {made - started:7.1f} s")
    print(f"    join, forest, judge {trained - made:7.1f} s")
    print(f"    serving, a user     {(done - trained) / 3:7.2f} s")
    print(f"  precision {precision_score(truth, guess):.3f}")
    print(f"  recall    {recall_score(truth, guess):.3f}")
    print(f"  F1        {f1_score(truth, guess):.3f}")
    print(f"  AUC       {roc_auc_score(truth, p):.3f}")
    print(f"  mean true like-probability of the 15 recommended {np.mean(served):.3f}")


if __name__ == "__main__":
    main()
