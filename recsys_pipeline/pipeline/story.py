"""The run on one screen, for somebody who decides and does not train: which recipe won, and why."""

from recsys_pipeline.evaluation.intervals import Interval
from recsys_pipeline.evaluation.names import metric_label
from recsys_pipeline.pipeline.deciding import Promotion
from recsys_pipeline.pipeline.training import TrainingFacts

_MARK = {True: "✅", False: "❌"}


def story(promotion: Promotion, verdict: str, facts: TrainingFacts) -> str:
    """Markdown: the decision, the figures behind it, the conditions, and what was trained.

    Args:
        promotion: the decision.
        verdict: whether the lists are better than popularity, one sentence.
        facts: of the candidate's training.
    """
    decision = promotion.decision
    lines = [f"## {decision.title}", "", decision.reason, "", f"**{verdict}**", ""]
    label = metric_label(decision.metric)
    lines += [f"| | {label} | 95 % interval |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {_row(each)} |" for name, each in promotion.figures.items()]
    if decision.difference is not None:
        lines.append(f"| **candidate less in service** | {_row(decision.difference, '+')} |")
    lines += ["", "### What was asked of the candidate", ""]
    lines += [f"- {_MARK[each.passed]} {each.text}" for each in decision.conditions]
    lines += ["", "### How the candidate came to be", "", f"- {facts.reason}", f"- {facts.split}"]
    if facts.blend:
        parts = ", ".join(f"{name} {weight:.2g}" for name, weight in facts.blend.items())
        lines.append(f"- Weights of the blend: {parts}.")
    if facts.settled:
        parts = ", ".join(f"{name} = {value:g}" for name, value in facts.settled.items())
        lines.append(f"- Chosen by the data: {parts}.")
    return "\n".join(lines)


def _row(interval: Interval, sign: str = "") -> str:
    mean, low, high = (f"{each:{sign}.4f}" for each in (interval.mean, interval.low, interval.high))
    return f"{mean} | {low} to {high}"
