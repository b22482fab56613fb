"""The text of a holdout, and whether its submissions hold probabilities, where the organiser's files do not tell."""

from __future__ import annotations

from medalist.competitions.competition import Competition


def holdout_text(competition: Competition, task: object, probabilities: bool) -> str:
    """The organiser's text. Without one, the metric where it is known by anything else; without a sample, the class
    whose probability is submitted."""
    text = competition.description
    metric, source = getattr(task, "metric", ""), getattr(task, "metric_source", "assumed")
    if not text.strip() and source != "assumed" and ":" not in metric:
        text = f"# Evaluation\n\nSubmissions are scored by {metric}.\n"
    if probabilities and competition.sample is None:
        positive = getattr(task, "classes", ("",))[-1]
        text += f"\nSubmissions hold the probability that {getattr(task, 'targets', ('',))[0]} is {positive}.\n"
    return text


def asks_for_probabilities(task: object) -> bool:
    """Whether one column of probabilities is submitted."""
    scorer = getattr(task, "scorer", None)
    if scorer is None or getattr(task, "problem_type", "") != "binary" or len(getattr(task, "targets", ())) != 1:
        return False
    return scorer().needs in ("probability", "ranking")
