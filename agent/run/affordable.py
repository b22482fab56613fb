"""How many folds a run can afford, and how much memory one fold takes, by first guesses of costs."""

from __future__ import annotations

from medalist.agent.budget import Budget
from medalist.agent.proposals.policy import Policy
from medalist.agent.run_data import RunData
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.widths import width_of
from medalist.pipelines.estimators.registry import baseline
from medalist.pipelines.features.base_sets import encoded_features

COPIES = 3  # of a fold's matrices: the job's own, the estimator's, and its work space
BYTES = 4.0  # of a value of a matrix
FEW_ROWS = 3000  # below which folds are drawn several times: there noise decides, and fits are cheap
MOST_REPEATS = 3  # times that folds are drawn
REPEATS_SHARE = 0.05  # share of the budget that all folds of a usual model may take for folds to be drawn again
FIRST_SHARE = 0.12  # share of the budget for the cross-validation of the first model


def fold_bytes(data: RunData) -> float:
    """Memory that one fold's job needs, in bytes, roughly."""
    rows = len(data.competition.train) + len(data.competition.test)
    encodings = encoded_features(data.cards, len(data.y), data.problem.width)
    further = max(len(data.cards), width_of(encodings, data.problem.width))
    return COPIES * BYTES * rows * (len(data.cards) + further + 2 * data.problem.width)


def affordable_folds(policy: Policy, costs: Costs, budget: Budget, wanted: int) -> int:
    """How many of `wanted` folds every experiment of the run is evaluated on, so that a first model leaves time for
    others."""
    if not budget.limited:
        return wanted
    usual = baseline()
    columns = width_of(policy.first_features(usual.name), costs.outputs)
    quick = usual.portfolio[0] if usual.fast is None else usual.fast(costs.outputs)
    one = costs.guess(usual, columns, quick) / policy.workers
    return max(1, min(wanted, int(FIRST_SHARE * budget.seconds / one)))


def affordable_repeats(policy: Policy, costs: Costs, budget: Budget, scheme: str) -> int:
    """How often the `policy.n_folds` folds are drawn: more than once on few rows, where the budget affords it."""
    if scheme in ("time", "blocks") or policy.n_rows >= FEW_ROWS:
        return 1
    if not budget.limited:
        return MOST_REPEATS
    usual = baseline()
    columns = width_of(policy.first_features(usual.name), costs.outputs)
    one = costs.guess(usual, columns, usual.portfolio[0]) * policy.n_folds / policy.workers
    return max(1, min(MOST_REPEATS, int(REPEATS_SHARE * budget.seconds / one)))
