"""Queries of addresses: which are kept once they were read."""

import pytest

from recsys_pipeline.serving import queries
from recsys_pipeline.serving.problems import Problem
from recsys_pipeline.serving.queries import GroupQuery, ListQuery, SimilarQuery, parsed


def test_short_queries_are_kept_and_long_ones_are_not() -> None:
    queries._kept.cache_clear()
    assert parsed(ListQuery, b"k=3") is parsed(ListQuery, b"k=3")
    assert queries._kept.cache_info().currsize == 1
    for count in (100, 200):
        long = b"&".join(b"exclude=%d" % each for each in range(count))
        assert parsed(ListQuery, long).exclude == tuple(map(str, range(count)))
    assert queries._kept.cache_info().currsize == 1


@pytest.mark.parametrize("query", [b"nonsense=1", b"k=1&k=2", b"exclude=a&" * 50 + b"k=x"])
def test_what_cannot_be_read_is_refused_again_and_again(query) -> None:
    for _ in range(2):
        with pytest.raises(Problem):
            parsed(ListQuery, query)


@pytest.mark.parametrize("model", [ListQuery, GroupQuery, SimilarQuery])
def test_a_language_may_be_asked_for(model) -> None:
    assert parsed(model, b"language=fr").language == "fr"
    assert parsed(model, b"").language is None
    with pytest.raises(Problem):
        parsed(model, b"language=de")
