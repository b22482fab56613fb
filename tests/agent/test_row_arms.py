"""The arms of rows: which step comes next, for which family, and when an arm ends."""

from __future__ import annotations

from test_variations import FAMILIES, record

from medalist.agent.proposals.row_arms import MOST_FAILURES, PRIORS, RowArm, row_proposals
from medalist.agent.proposals.variations import prior_of

STEPS = (("recency", "day", 0.25), ("recency", "day", 0.5), ("earliest", "day", 0.5))
TIME = RowArm("rows:time", STEPS)
MORE = RowArm("rows:additional", (("additional", "", 1.0),), frozenset({"original"}))


def proposed(history, *arms):
    return {p.arm: p for p in row_proposals(history, FAMILIES, arms)}


def test_the_first_model_gets_additional_rows_and_waits_with_the_rest():
    first = record(0, "lightgbm", 1.0, "start")
    assert set(proposed([first], TIME, MORE)) == {"rows:additional"}
    assert all(prior_of(name) == prior > 0 for name, prior in PRIORS.items())


def test_a_step_that_gained_is_tried_with_other_families_and_one_that_did_not_ends_the_arm():
    history = [record(1, "lightgbm", 0.8), record(2, "catboost", 0.9)]
    made = proposed(history, TIME)["rows:time"]
    assert (made.parent, made.pipeline.rows) == (1, (STEPS[0],))
    params = history[0].pipeline.parameters
    gained = record(3, "lightgbm", 0.7, "rows:time", 1, params=params, rows=(STEPS[0],))
    assert proposed([*history, gained], TIME)["rows:time"].pipeline.family == "catboost"
    failed = [record(3 + i, "lightgbm", 0.9, "rows:time", 1, params=params, rows=(s,)) for i, s in enumerate(STEPS)][
        :MOST_FAILURES
    ]
    assert proposed([*history, failed[0]], TIME)["rows:time"].pipeline.rows == (STEPS[1],)
    assert proposed([*history, *failed], TIME) == {}


def test_additional_rows_are_fitted_without_what_is_looked_up_in_them():
    best = record(1, "lightgbm", 0.8)
    features = ("number(x)", "mean(original.y) by x")
    best = type(best)(1, type(best.proposal)(best.pipeline.changed(features=features), "", None, best.arm), "keep", "",
                      score=best.score, evaluation=best.evaluation)  # fmt: skip
    assert proposed([best], MORE)["rows:additional"].pipeline.features == ("number(x)",)
