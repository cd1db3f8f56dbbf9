"""The weekly report: what is in it, what it says of what is missing, and that it harms nobody."""

import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from recsys_pipeline.experiments.config import HOLDOUT
from recsys_pipeline.monitoring import names as m
from recsys_pipeline.monitoring.alarms import Alarm
from recsys_pipeline.monitoring.rows import tidy
from recsys_pipeline.reporting.document import Document, Notes, Section, Table, Text, Tiles
from recsys_pipeline.reporting.facts import WeeklyFacts
from recsys_pipeline.reporting.html import html
from recsys_pipeline.reporting.markdown import markdown
from recsys_pipeline.reporting.pictures import picture_files
from recsys_pipeline.reporting.plots import over_weeks
from recsys_pipeline.reporting.weekly import weekly_report
from recsys_pipeline.reporting.weekly_figures import whom_blocks
from recsys_pipeline.reporting.weekly_health import alarm_text
from recsys_pipeline.reporting.weekly_short import to_do, verdict

SECTIONS = [
    *("in-short", "changed", "helped", "for-whom", "movies", "tastes", "alarms", "data"),
    *("releases", "goals", "impact", "offline-online"),
]


class Page(HTMLParser):
    """The tags of a page in their order, with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def of(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


def lean(facts, **other):
    """Without the parts that are drawn."""
    kept = {"history": None, "goals": None, "impact": None, "agreement": None}
    return dataclasses.replace(facts, **{**kept, **other})


def written(document, key):
    """The Markdown of one section."""
    chosen = tuple(section for section in document.sections if section.key == key)
    return markdown(Document("", "", chosen)).replace("\\", "")


def test_every_question_has_its_section(report):
    assert [section.key for section in report.sections] == SECTIONS


def test_the_first_page_says_it_all(report, weekly_facts):
    first = written(report, "in-short")
    assert "Something is wrong this week: 1 grave alarm." in first
    assert "An experiment found a better recipe than its control." in first
    assert "| Click-through | 16.2 % | 15.8 to 16.6 % | +1.20 points |" in first
    assert "+0.20 points, may be chance" in first
    assert "Of 7 goals 4 are met, 1 is missed and 2 cannot be told." in first
    assert weekly_facts.impact.sentence in first
    assert to_do(weekly_facts)[0] == "click_through: It fell by 9 %. Roll back."
    assert "`recsys experiment promote growth`" in first


def test_changes_are_told_from_chance(report):
    changed = written(report, "changed")
    assert "Better beyond chance: click-through (+1.20 points)" in changed
    assert "worse beyond chance: satisfaction (mean rating) (−0.05 stars)" in changed
    assert "+0.80 to +1.60 points" in changed


def test_segments_that_lie_below_are_named(report):
    text = written(report, "for-whom")
    assert "Click-through lies surely below that of all users for: young." in text


def test_business_figures_come_with_every_assumption_and_step(report, weekly_facts):
    text = written(report, "impact")
    for each in weekly_facts.impact.inputs:
        assert f"| {each.words} |" in text
    assert text.count("| measured |") == sum(each.measured for each in weekly_facts.impact.inputs)
    for step in weekly_facts.impact.steps:
        assert f"**{step.title}: {step.result}**" in text


def test_what_is_missing_is_said_with_how_to_get_it():
    empty = weekly_report(WeeklyFacts("2024-01-08"))
    assert [section.key for section in empty.sections] == SECTIONS
    assert all(section.blocks for section in empty.sections)
    text = markdown(empty)
    for way in ("recsys serve", "/v1/events", "recsys experiment start", "recsys run", "[goals]"):
        assert way in text.replace("\\", "")
    assert "nan" not in text.lower()
    assert not list(empty.pictures)


def test_a_quiet_week_needs_nothing(weekly_facts):
    quiet = dataclasses.replace(
        weekly_facts, alarms=(), goals=(), experiments=(weekly_facts.experiments[0],)
    )
    assert verdict(quiet).endswith("An experiment found a better recipe than its control.")
    none = dataclasses.replace(
        weekly_facts.experiments[0], verdict="no difference yet", winner="", guardrails=()
    )
    assert to_do(dataclasses.replace(quiet, experiments=(none,))) == (
        "Nothing: the week is in order.",
    )


def test_the_holdout_is_nobody_s_to_start_or_promote(weekly_facts):
    def of(verdict_of):
        held = dataclasses.replace(weekly_facts.experiments[0], name=HOLDOUT, verdict=verdict_of)
        return lean(weekly_facts, alarms=(), goals=(), experiments=(held,))

    assert "The recommendations help" in verdict(of("better"))
    assert to_do(of("better")) == ("Nothing: the week is in order.",)
    for each in ("worse", "equivalent", "broken"):
        (order,) = to_do(of(each))
        assert order.startswith("holdout: find out why")


def test_what_is_over_is_not_asked_for_again(weekly_facts):
    def of(over, verdict_of="better"):
        each = dataclasses.replace(weekly_facts.experiments[0], over=over, verdict=verdict_of)
        return lean(weekly_facts, alarms=(), goals=(), experiments=(each,))

    assert "promote growth" in to_do(of(""))[0]
    assert "promote growth" in to_do(of("2024-02-21"))[0]
    for facts in (of("2024-02-19"), of("2024-02-21", "worse")):
        assert [each.split()[0] for each in to_do(facts)] == ["Start"]
        assert "no experiment runs" in verdict(facts)


def test_a_segment_is_below_by_a_bound_that_holds_for_all(weekly_facts):
    unknown = [float("nan")] * 4

    def told(half):
        rows = [
            (
                m.CLICK_THROUGH,
                by,
                group,
                value,
                value - half,
                value + half,
                500,
                *unknown,
            )
            for by, group, value in [(m.ALL, "", 0.1)]
            + [(m.SEGMENT, f"s{place}", 0.08 if place == 0 else 0.102) for place in range(10)]
        ]
        made = tidy([dict(zip(m.COLUMNS, row, strict=True)) for row in rows])
        return whom_blocks(lean(weekly_facts, figures=made))[0].text

    assert told(0.018).startswith("No segment")
    assert told(0.009).endswith(": s0.")


def test_a_first_week_has_nothing_to_compare_with(weekly_facts):
    lone = weekly_facts.figures.copy()
    lone[[m.BEFORE, m.CHANGE, m.CHANGE_LOW, m.CHANGE_HIGH]] = float("nan")
    only = weekly_facts.history[weekly_facts.history["week"] == "2024-01-01"]
    facts = lean(weekly_facts, figures=lone, history=only, experiments=())
    text = markdown(weekly_report(facts))
    assert "There is no week before to compare with." in text
    assert "nan" not in text.lower()
    assert "weeks" not in {each.name for each in weekly_report(facts).pictures}


def test_a_week_in_which_nobody_came_has_no_figures(weekly_facts):
    figures = weekly_facts.figures.iloc[:1].copy()
    figures[m.METRIC], figures[m.VALUE] = m.USERS, 0.0
    facts = lean(weekly_facts, figures=figures, patterns=(), experiments=(), alarms=())
    text = markdown(weekly_report(facts))
    assert text.count("No lists were asked for this week") == 2
    assert "How tastes moved cannot be told" in text
    assert to_do(facts) == (
        "Let the API tell what people do: without it nothing online can be counted.",
    )


def test_an_alarm_names_its_subject_once():
    named = Alarm("robots", "actions", "actions of one account are 9 %.", "warning")
    assert alarm_text(named) == "actions of one account are 9 %."
    other = Alarm("robots", "actions", "One account did 9 %.", "warning")
    assert alarm_text(other) == "actions: One account did 9 %."


def test_one_wide_band_flattens_no_line():
    rows = pd.DataFrame(
        {
            m.METRIC: m.CLICK_THROUGH,
            "arm": "a",
            "week": [1, 2, 3],
            m.VALUE: [0.1, 0.11, 0.12],
            m.LOW: [0.09, 0.10, 0.0],
            m.HIGH: [0.11, 0.12, 0.9],
        }
    )
    figure = over_weeks(rows, (m.CLICK_THROUGH, "other"), "arm", title="t", subtitle="s")
    assert len(figure.axes) == 1
    assert figure.axes[0].get_ylim() == pytest.approx((0.08, 0.14))


def test_a_figure_that_cannot_be_told_is_named_and_not_shown(weekly_facts):
    figures = weekly_facts.figures.copy()
    figures.loc[figures[m.METRIC] == m.CHURN_RATE, m.VALUE] = float("nan")
    facts = lean(weekly_facts, figures=figures[figures[m.BY] == m.ALL], experiments=())
    text = written(weekly_report(facts), "changed")
    assert "Cannot be told yet, too little was seen: share of users who leave." in text
    assert "| Share of users who leave |" not in text


def test_the_page_stands_alone_and_runs_nothing(page):
    tags = Page(page)
    assert not {tag for tag, _ in tags.tags} & {"script", "link", "iframe", "object", "form"}
    assert all(each["src"].startswith("data:image/svg+xml;base64,") for each in tags.of("img"))
    assert not any(name == "style" or name[:2] == "on" for _, a in tags.tags for name in a)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = tags.of("meta")[1]
    assert policy["content"] == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"
    assert "url(" not in style
    assert "@import" not in style


def test_hostile_text_stays_text(page, report):
    assert "<script>" not in page
    assert "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;" in page
    hrefs = {each["href"] for each in Page(page).of("a")}
    assert {href for href in hrefs if not href.startswith("#")} == {"http://127.0.0.1:3000/runs/7"}
    row = next(line for line in markdown(report).splitlines() if "Nosferatu" in line)
    assert row.count("|") - row.count(r"\|") == 5
    assert r"\<script\>" in row
    assert r"\*Nosferatu\* \[1922\]" in row


def test_the_page_is_readable_without_eyes(page):
    tags = Page(page)
    assert tags.of("html") == [{"lang": "en"}]
    assert len(tags.of("h1")) == 1
    assert all(len(each["alt"]) > 20 for each in tags.of("img"))
    assert all(each.get("scope") in ("col", "row") for each in tags.of("th"))
    assert len(tags.of("caption")) == len(tags.of("table"))
    ids = [attributes["id"] for _, attributes in tags.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {each["href"][1:] for each in tags.of("a") if each["href"][0] == "#"} <= set(ids)


def test_the_same_facts_give_the_same_bytes_and_stay_as_they_are(page, weekly_facts):
    figures, history = weekly_facts.figures.copy(), weekly_facts.history.copy()
    assert html(weekly_report(weekly_facts)) == page
    pd.testing.assert_frame_equal(weekly_facts.figures, figures)
    pd.testing.assert_frame_equal(weekly_facts.history, history)


def test_pictures_are_files_beside_the_markdown(report):
    files = picture_files(report)
    shown = re.findall(r"\]\(images/([\w-]+\.svg)\)", markdown(report, "images/"))
    assert shown == list(files)
    assert all(content.startswith(b"<?xml") for content in files.values())
    assert "](" not in markdown(report)


def test_markdown_says_what_it_means():
    blocks = (
        Text("# not a heading"),
        Text("1. not a list, but `code | here`"),
        Table("a|b", ("x",), (("1\n2",),)),
        Tiles(()),
        Notes(()),
    )
    text = markdown(Document("T*", "s", (Section("k", "_S_", blocks),)))
    assert r"# T\*" in text
    assert r"## \_S\_" in text
    assert "\n\\# not a heading" in text
    assert r"\1. not a list" in text
    assert "| 1 2 |" in text
