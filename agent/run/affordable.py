"""How many folds a run can afford, and how much memory one fold takes, by the prior estimates of the cost model."""

from __future__ import annotations

from medalist.agent.budget import Budget
from medalist.agent.proposals.policy import Policy
from medalist.agent.run_data import RunData
from medalist.agent.workers.costs import Costs
from medalist.agent.workers.widths import width_of
from medalist.pipelines.estimators.registry import baseline
from medalist.pipelines.features.base_sets import encoded_features

COPIES = 3  # copies of a fold's matrices: the job's, the estimator's, and its work space
BYTES = 4.0  # bytes of a matrix value
FEW_ROWS = 3000  # training rows below which cross-validation is repeated: scores are noisy and fits are cheap
MOST_REPEATS = 3  # most repetitions of the cross-validation
REPEATS_SHARE = 0.05  # most of the budget for one usual model on all folds of all repetitions
FIRST_SHARE = 0.12  # most of the budget for the cross-validation of the first model


def fold_bytes(data: RunData) -> float:
    """Rough estimate of the bytes of memory that one fold's job needs."""
    rows = len(data.competition.train) + len(data.competition.test)
    encodings = encoded_features(data.cards, len(data.y), data.problem.width)
    further = max(len(data.cards), width_of(encodings, data.problem.width))
    return COPIES * BYTES * rows * (len(data.cards) + further + 2 * data.problem.width)


def affordable_folds(policy: Policy, costs: Costs, budget: Budget, wanted: int) -> int:
    """The number of folds, from 1 to `wanted`, that the experiments of the run are evaluated on, so that the first
    model leaves time for others."""
    if not budget.limited:
        return wanted
    usual = baseline()
    columns = width_of(policy.first_features(usual.name), costs.outputs)
    quick = usual.portfolio[0] if usual.fast is None else usual.fast(costs.outputs)
    one = costs.expected_fit_seconds(usual, columns, quick) / policy.workers
    return max(1, min(wanted, int(FIRST_SHARE * budget.seconds / one)))


def affordable_repeats(policy: Policy, costs: Costs, budget: Budget, scheme: str) -> int:
    """How often the cross-validation of `policy.n_folds` folds is repeated: more than once on few rows, where the
    budget affords it, but never with folds over time. `scheme`: of the folds."""
    if scheme in ("time", "blocks") or policy.n_rows >= FEW_ROWS:
        return 1
    if not budget.limited:
        return MOST_REPEATS
    usual = baseline()
    columns = width_of(policy.first_features(usual.name), costs.outputs)
    one = costs.expected_fit_seconds(usual, columns, usual.portfolio[0]) * policy.n_folds / policy.workers
    return max(1, min(MOST_REPEATS, int(REPEATS_SHARE * budget.seconds / one)))
