"""The weekly report: for a product manager who has three minutes, and whoever wants to know why."""

from recsys_pipeline.reporting.business_parts import (
    agreement_blocks,
    goals_blocks,
    impact_blocks,
)
from recsys_pipeline.reporting.document import Document, Section
from recsys_pipeline.reporting.experiment_parts import experiments_blocks
from recsys_pipeline.reporting.facts import WeeklyFacts
from recsys_pipeline.reporting.weekly_figures import (
    change_blocks,
    movie_blocks,
    taste_blocks,
    whom_blocks,
)
from recsys_pipeline.reporting.weekly_health import alarm_blocks, data_blocks, release_blocks
from recsys_pipeline.reporting.weekly_short import short_blocks

FOOTER = (
    "Intervals hold the true figure in 95 of 100 cases; users are their unit, as what one user "
    "does hangs together. Groups of fewer than 20 users are left out, and no user is named. The "
    "figures are defined in docs/monitoring.md, experiments in docs/experiments.md, goals and "
    "impact in docs/business.md."
)


def weekly_report(facts: WeeklyFacts) -> Document:
    """The report of a week. What is missing is said, with how to get it.

    Args:
        facts: what is known.
    """
    service = f", release {facts.release} in service" if facts.release else ""
    so_far = "" if facts.complete else " (not over yet: figures so far)"
    return Document(
        "Weekly report",
        f"The week up to {facts.week}{so_far}{service}",
        (
            Section("in-short", "In short", short_blocks(facts), own_page=True),
            Section("changed", "What changed since last week", change_blocks(facts)),
            Section("helped", "Did it help?", experiments_blocks(facts.experiments)),
            Section("for-whom", "For whom, and for whom not", whom_blocks(facts)),
            Section("movies", "Most and least recommended movies", movie_blocks(facts)),
            Section("tastes", "How tastes moved", taste_blocks(facts)),
            Section("alarms", "Alarms", alarm_blocks(facts)),
            Section("data", "Data quality", data_blocks(facts)),
            Section("releases", "Release history", release_blocks(facts.releases, facts.release)),
            Section("goals", "Goals", goals_blocks(facts.goals, facts.currency)),
            Section("impact", "What it is worth", impact_blocks(facts.impact)),
            Section(
                "offline-online",
                "Do figures on past data predict what people do?",
                agreement_blocks(facts.agreement),
            ),
        ),
        FOOTER,
        facts.links,
    )
