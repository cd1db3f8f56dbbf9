"""Parts of the weekly report on whether all is well: alarms, data, releases."""

from collections.abc import Sequence
from typing import Final

from recsys_pipeline.monitoring.alarms import Alarm
from recsys_pipeline.pipeline.protocols import CheckResult, Manifest
from recsys_pipeline.reporting import words
from recsys_pipeline.reporting.document import Block, Note, Notes, Table, Text
from recsys_pipeline.reporting.facts import WeeklyFacts

_MOST_RELEASES: Final = 10


def alarm_text(alarm: Alarm) -> str:
    """What an alarm says, with what it is about in front unless it begins with that."""
    if alarm.text.startswith(alarm.subject):
        return alarm.text
    return f"{alarm.subject}: {alarm.text}"


def alarm_notes(alarms: Sequence[Alarm]) -> Notes:
    """The alarms, the grave ones first."""
    ordered = sorted(alarms, key=lambda alarm: alarm.level != "error")
    return Notes(
        tuple(
            Note(
                "bad" if alarm.level == "error" else "unknown",
                alarm.level,
                alarm_text(alarm),
            )
            for alarm in ordered
        )
    )


def alarm_blocks(facts: WeeklyFacts) -> tuple[Block, ...]:
    """What is wrong."""
    if facts.alarms is None:
        return (Text("Whether anything is wrong was not looked at: the weekly run does that."),)
    if not facts.alarms:
        return (Text("None: everything that was compared is as in the weeks before."),)
    return (alarm_notes(facts.alarms),)


def data_blocks(facts: WeeklyFacts) -> tuple[Block, ...]:
    """What the checks found in the tables, and how many rows were set aside."""
    blocks: list[Block] = []
    if facts.checks is None:
        blocks.append(Text("The checks of this week's tables are not at hand: see the weekly run."))
    else:
        failures = [
            Note("bad" if each.blocking else "unknown", report.table, _failed(each.text, each))
            for report in facts.checks
            for each in report.failures
        ]
        kept = sum(len(report.results) for report in facts.checks)
        if failures:
            said = f"{words.plural(len(failures), 'check')} of {kept} failed."
        else:
            said = f"All {kept} checks of the tables held."
        blocks.append(Text(said, strong=True))
        if failures:
            blocks.append(Notes(tuple(failures)))
        blocks.append(_tables(facts))
    if facts.quarantined is not None and facts.checks is None:
        total = sum(facts.quarantined.values())
        blocks.append(Text(f"Rows set aside: {total:,}."))
    return tuple(blocks)


def _failed(text: str, result: CheckResult) -> str:
    seen = result.observed or f"{words.plural(result.broken, 'row')} of {result.rows:,} break it"
    return f"{text} {seen[0].upper()}{seen[1:]}."


def _tables(facts: WeeklyFacts) -> Table:
    aside = facts.quarantined
    rows = tuple(
        (
            report.table,
            f"{report.rows:,}",
            words.NOTHING if aside is None else f"{aside.get(report.table, 0):,}",
            f"{len(report.results)}",
            f"{len(report.failures)}",
        )
        for report in facts.checks or ()
    )
    headers = ("Table", "rows", "rows set aside", "checks", "failed")
    return Table("The tables", headers, rows, numeric=(1, 2, 3, 4))


def release_blocks(releases: Sequence[Manifest] | None, in_service: str = "") -> tuple[Block, ...]:
    """The newest releases, the last first, and why each was put in service or not."""
    if not releases:
        return (Text("There is no release yet: `recsys run` makes the first."),)
    shown = list(releases)[::-1][:_MOST_RELEASES]
    rows = tuple(
        (
            f"{each.release}{' (in service)' if each.release == in_service else ''}",
            each.recommender,
            each.verdict,
            each.decision or words.NOTHING,
        )
        for each in shown
    )
    caption = f"The newest {len(shown)} of {len(releases)} releases"
    if len(shown) == len(releases):
        caption = f"All {len(releases)} releases" if len(releases) > 1 else "The only release"
    return (Table(caption, ("Release", "made by", "better than popularity", "decision"), rows),)
