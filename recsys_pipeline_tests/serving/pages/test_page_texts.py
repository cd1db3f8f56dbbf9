"""Every text is there in both languages, and languages are found."""

import re
import string
from importlib.resources import files

import pytest

from recsys_pipeline.pipeline.online import EVENT_KINDS
from recsys_pipeline.serving.answers import NOTICES
from recsys_pipeline.serving.pages import FACTS, PROFILE
from recsys_pipeline.serving.queries import AGES
from recsys_pipeline.serving.texts import WORDS, keys, language_of
from recsys_pipeline.serving.texts_words import WORDS as TABLE

TEMPLATES = sorted(
    (each.name, each.read_text(encoding="utf-8"))
    for each in files("recsys_pipeline.serving").joinpath("templates").iterdir()
)
BADGES = (
    "personal", "for_all", "cold", "fresh", "stored", "questionnaire", "exploring", "surprise",
    "since",
)  # fmt: skip


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", sorted(TABLE))
def test_both_languages_say_the_same_things(key):
    english, french = TABLE[key]
    assert english.strip()
    assert french.strip()
    assert fields(english) == fields(french)


@pytest.mark.parametrize("name, text", TEMPLATES, ids=[name for name, _ in TEMPLATES])
def test_templates_use_texts_that_there_are(name, text):
    assert set(re.findall(r"\bt\(\s*[\"']([^\"']+)[\"']\s*[,)]", text)) <= keys()


def test_what_answers_may_say_has_texts():
    said = {*NOTICES, *BADGES, *(f"{each}_long" for each in BADGES), "liked", "met"}
    said |= {kind for kind in EVENT_KINDS if kind != "impression"}
    said |= {f"column_{name}" for name in (*FACTS, *PROFILE)}
    assert said <= keys()
    assert {age for age in AGES if not age[0].isdigit()} <= keys()


@pytest.mark.parametrize("words", WORDS.values(), ids=list(WORDS))
def test_every_age_of_a_release_can_be_told(words):
    told = [words.ago(seconds) for seconds in (0, 59, 60, 7_199, 7_200, 172_799, 172_800, 9e9)]
    assert len(set(told)) == 7
    assert all(re.search(r"\d", each) for each in told[2:])


@pytest.mark.parametrize(
    "chosen, accepted, expected",
    [
        (None, "", "en"),
        (None, "fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        (None, "en;q=0.5, fr;q=0.7", "fr"),
        (None, "de, es", "en"),
        (None, "fr;q=abc, en;q=0.1", "en"),
        ("fr", "en", "fr"),
        ("tlh", "fr", "fr"),
        (None, "," * 100_000, "en"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_browsers(chosen, accepted, expected):
    assert language_of(chosen, accepted) == expected
