"""What is asked for with more variety is looked for further down than a person's best movies."""

import pytest


@pytest.fixture
def narrow(tmp_path, put, learn, opening):
    """A server whose release makes a list of five out of the best five."""
    dials = {"candidates": 5, "exploration_slots": 0, "diversity": 0.2}
    put(tmp_path, learn(reranking=dials))
    opened = opening(tmp_path)
    yield opened
    opened.close()


def genres(api, user, diversity):
    items = api.get(f"/v1/users/{user}/recommendations?diversity={diversity}")["items"]
    assert len(items) == 5
    return len({genre for each in items for genre in each["genres"]})


def test_more_variety_brings_in_more_genres_and_less_brings_in_none(narrow) -> None:
    users = range(1, 21)
    dialled = {
        diversity: sum(genres(narrow, user, diversity) for user in users)
        for diversity in (0, 0.2, 0.9)
    }
    assert dialled[0] == dialled[0.2]
    assert dialled[0.9] > dialled[0.2] + len(users)
