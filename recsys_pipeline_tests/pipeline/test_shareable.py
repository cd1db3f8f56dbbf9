"""Settings that others may see name no user and hold no password."""

import json
import tomllib

import pytest

from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.shareable import shareable, shareable_text

IDS = (90_001, "zoe [7]", 'o"brien')
LEARNING = LearningConfig.model_validate({"rules": {"blocked_users": IDS}})


def names_nobody(text: str) -> bool:
    return not any(each in text for each in ("90001", "zoe", "brien"))


def test_values_hold_the_number_of_blocked_users():
    found = shareable(LEARNING)
    assert found["rules"]["blocked_users"] == 3
    assert names_nobody(str(found))
    assert found["k"] == LEARNING.k
    assert LEARNING.rules.blocked_users == IDS


def test_json_holds_the_number_of_blocked_users():
    text = LEARNING.model_dump_json(indent=1)
    found = json.loads(shareable_text(text))
    assert found == shareable(LEARNING)


@pytest.mark.parametrize(
    "text",
    [
        '[rules]\nblocked_users = [90001, \'zoe [7]\', "o\\"brien"]\nmax_per_genre = 2\n',
        "[rules]\nblocked_users = [\n  90001, # asked for it ]\n  'zoe [7]',\n  'o\"brien',\n]\n"
        "max_per_genre = 2",
        'rules = { "blocked_users" = [90001, "zoe", "brien"], max_per_genre = 2 }',
        "rules.max_per_genre = 2\nrules.blocked_users=[90001,'zoe','brien']",
    ],
)
def test_toml_holds_the_number_of_blocked_users(text):
    found = shareable_text(text)
    assert names_nobody(found)
    assert tomllib.loads(found) == {"rules": {"blocked_users": 3, "max_per_genre": 2}}


@pytest.mark.parametrize("text", ["# blocked_users = [90001]", "# blocked_users = [\n#  90001,\n]"])
def test_lines_that_are_commented_out_name_nobody(text):
    assert names_nobody(shareable_text(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("uri = 'postgresql://me:p@ss@host/db'", "uri = 'postgresql://***@host/db'"),
        ('a = "https://host/x.csv?sig=abc"', 'a = "https://host/x.csv?***"'),
        ('a = "s3://bucket/x" # me@home', 'a = "s3://bucket/x" # me@home'),
        ("blocked_users = []", "blocked_users = 0"),
        ("blocked_movies = [1]", "blocked_movies = [1]"),
    ],
)
def test_passwords_are_left_out(text, shown):
    assert shareable_text(text) == shown
