"""Ensemble selection, and the spaces in which members are averaged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.agent import score as scoring
from medalist.competitions.metrics.registry import get_metric
from medalist.pipelines.ensembling.draws import draws, rows_with_rare
from medalist.pipelines.ensembling.loss import smooth_loss
from medalist.pipelines.ensembling.members import Members
from medalist.pipelines.ensembling.selection import MAX_MEMBERS, Ensemble, candidates, select
from medalist.pipelines.ensembling.spaces import from_space, spaces, to_space
from medalist.pipelines.problem import Problem

REGRESSION = Problem("regression", 1, 0, "l2", False)
BINARY = Problem("binary", 1, 2, "logloss", False)
THREE = Problem("multiclass", 1, 3, "logloss", False)


def members(seed: int, n: int = 400, count: int = 5, least: float = 0.3):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(n, 1))
    return y, {k: y + rng.normal(size=(n, 1)) * rng.uniform(least, 2) for k in range(count)}


def chances(seed: int, n: int = 600, count: int = 5, classes: int = 2):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1.5, (n, classes))
    y = np.argmax(truth + rng.gumbel(size=truth.shape), axis=1)[:, None].astype(float)
    predictions = {}
    for k in range(count):
        p = np.exp(truth + rng.normal(0, rng.uniform(0.3, 1.5), truth.shape))
        p /= p.sum(axis=1, keepdims=True)
        predictions[k] = p[:, 1:] if classes == 2 else p
    return y, predictions


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_never_worse_than_the_best_member_and_weights_sum_to_one(seed):
    y, predictions = members(seed)
    metric = get_metric("rmse")
    ensemble = select(metric, REGRESSION, y, predictions)
    assert sum(ensemble.weights.values()) == pytest.approx(1)
    loss = smooth_loss(metric, REGRESSION, y, ensemble.blend(predictions))
    assert loss <= min(smooth_loss(metric, REGRESSION, y, p) for p in predictions.values()) + 1e-9


@pytest.mark.parametrize("name", ["auc", "logloss", "accuracy", "average_precision", "brier"])
def test_an_ensemble_of_classifiers_beats_its_members_on_rows_that_it_has_not_seen(name):
    y, predictions = chances(7, 4000)
    metric = get_metric(name)
    ensemble = select(metric, BINARY, y[:2000], {n: p[:2000] for n, p in predictions.items()})
    rest = {n: p[2000:] for n, p in predictions.items()}
    losses = [smooth_loss(metric, BINARY, y[2000:], p) for p in rest.values()]
    assert smooth_loss(metric, BINARY, y[2000:], ensemble.blend(rest)) < min(losses)


def test_independent_errors_are_averaged():
    y, predictions = members(3)
    assert len(select(get_metric("rmse"), REGRESSION, y, predictions).weights) > 1


def test_a_member_that_was_lucky_with_the_level_of_a_fold_gets_no_more_weight():
    folds, squares = np.repeat(np.arange(3), 150), {True: [], False: []}
    for seed in range(40):  # equal members: what a new fold loses by their weights are these weights' squares
        rng = np.random.default_rng(seed)
        y = rng.normal(size=(450, 1))
        levels = [0.5 * rng.normal(size=3)[folds][:, None] for _ in range(4)]
        predictions = {k: y + level + 0.3 * rng.normal(size=y.shape) for k, level in enumerate(levels)}
        for grouped, values in squares.items():
            weights = select(get_metric("rmse"), REGRESSION, y, predictions, groups=folds if grouped else None).weights
            values.append(sum(w**2 for w in weights.values()))
    assert np.mean(squares[True]) < np.mean(squares[False]) - 0.02


@pytest.mark.parametrize("name", ["auc", "logloss", "average_precision"])
def test_a_fold_of_one_class_does_not_choose_alone(name):
    rng = np.random.default_rng(0)
    y = np.concatenate([np.zeros(300), rng.integers(0, 2, 300)])[:, None].astype(float)
    predictions = {k: np.clip(0.5 + 0.3 * (y - 0.5) + 0.2 * rng.normal(size=y.shape), 0.01, 0.99) for k in range(4)}
    weights = select(get_metric(name), BINARY, y, predictions, groups=np.repeat([0, 1], 300)).weights
    assert max(weights.values()) < 0.5


@given(st.lists(st.integers(1, 60), min_size=2, max_size=6), st.integers(0, 99))
def test_rows_of_a_group_choose_or_judge(sizes, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    for one, other in draws(len(groups), np.random.default_rng(seed), groups):
        assert set(one) | set(other) == set(range(len(groups)))
        both = set(groups[one]) & set(groups[other])
        if both:  # no halves of whole groups have enough rows: rows are halved one by one
            assert len(one) == len(other) == (len(groups) + 1) // 2
            assert len(groups) < 200
        else:
            assert min(len(one), len(other)) >= 50 or len(one) == len(other)


def test_a_useless_member_is_left_out():
    y, predictions = members(4, count=2)
    predictions[9] = np.full_like(y, 50.0)
    assert 9 not in select(get_metric("mae"), REGRESSION, y, predictions).weights


@pytest.mark.parametrize("name", ["rmse", "mae", "r2", "medae"])
def test_a_perfect_member_is_chosen_alone(name):
    y, predictions = members(5)
    predictions[17] = y.copy()
    assert select(get_metric(name), REGRESSION, y, predictions).weights == {17: 1.0}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(6)))
def test_the_numbers_of_experiments_do_not_matter(seed, order):
    y, predictions = members(seed, count=6)
    renamed = {10 + order[n]: p for n, p in predictions.items()}
    one, other = (select(get_metric("mae"), REGRESSION, y, p) for p in (predictions, renamed))
    assert other.space == one.space
    assert dict(other.weights) == pytest.approx({10 + order[n]: w for n, w in one.weights.items()})


def test_the_same_call_gives_the_same_ensemble():
    y, predictions = chances(1)
    assert select(get_metric("auc"), BINARY, y, predictions) == select(get_metric("auc"), BINARY, y, predictions)


def test_of_many_experiments_the_best_and_the_different_are_candidates():
    rng = np.random.default_rng(8)
    y = rng.normal(size=(2000, 1))
    shared = rng.normal(size=y.shape)
    predictions = {n: y + shared + 0.05 * rng.normal(size=y.shape) for n in range(40)}  # forty times the same error
    predictions[99] = y - 1.3 * shared + 0.3 * rng.normal(size=y.shape)  # worse than all, and against it
    ensemble = select(get_metric("rmse"), REGRESSION, y, predictions)
    assert len(ensemble.weights) <= MAX_MEMBERS
    assert ensemble.weights[99] > 0.3


def test_many_alike_do_not_crowd_out_what_helps_a_little():
    rng = np.random.default_rng(3)
    y = rng.normal(size=(4000, 1))
    shared = rng.normal(size=y.shape)
    predictions = {n: y + shared + 0.3 * rng.normal(size=y.shape) for n in range(60)}
    predictions |= {
        100 + n: y + 1.5 * rng.normal(size=y.shape) for n in range(3)
    }  # worse beside the best, half and half
    metric = get_metric("rmse")
    few = {n: p for n, p in predictions.items() if n % 10 == 0 or n >= 100}
    losses = [
        smooth_loss(metric, REGRESSION, y, select(metric, REGRESSION, y, p).blend(p), None) for p in (few, predictions)
    ]
    assert losses[1] < 1.002 * losses[0]


def test_incumbents_stay_candidates():
    y, predictions = members(3, n=2000, count=60, least=0.99)
    worst = max(predictions, key=lambda n: float(np.mean((predictions[n] - y) ** 2)))
    predictions[worst] = 2 * y - predictions[0]  # of no use but to one that is not the best
    predictions[0] = predictions[0] + 0.8 * (predictions[0] - y)
    judged = Members(get_metric("rmse"), REGRESSION, y, [predictions[n] for n in range(60)], None, "mean")
    assert {0, worst} - set(candidates(range(60), lambda _: judged))
    assert {0, worst} <= set(candidates(range(60), lambda _: judged, incumbents={0, worst}))


@pytest.mark.parametrize("n", [3000, 30_000])
def test_rows_that_lack_a_rare_class_are_scored_by_the_others(n):
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, (n, 1)).astype(float)
    y[rng.choice(n, 3, replace=False)] = 2
    metric = get_metric("auc_ovr")
    truth = np.eye(3)[y[:, 0].astype(int)]
    predictions = {k: (noise := truth * s + rng.random((n, 3))) / noise.sum(axis=1, keepdims=True)
                   for k, s in enumerate((0.05, 0.5, 0.5))}  # fmt: skip
    ensemble = select(metric, THREE, y, predictions)
    assert ensemble.weights.get(0, 0.0) < 0.2
    score, other = (
        scoring.score(metric, THREE, y, p, p, scoring.block_of_rows(y))
        for p in (ensemble.blend(predictions), predictions[0])
    )
    assert score.loss == pytest.approx(-score.value)
    assert score.standard_error > 0
    assert scoring.compare(score, other).z > 3


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["mean", "logit", "geometric", "log"]))
def test_a_blend_lies_between_its_members(seed, space):
    rng = np.random.default_rng(seed)
    parts = {n: rng.dirichlet(np.ones(3), 20) for n in range(4)}
    blend = Ensemble(dict(zip(parts, rng.dirichlet(np.ones(4)), strict=True)), space).blend(parts)
    stacked = np.stack(list(parts.values()))
    if space == "geometric":  # between them in the ratio of any two classes
        assert blend.sum(axis=1) == pytest.approx(np.ones(20))
        blend, stacked = (np.log(np.maximum(p, 1e-5)) for p in (blend, stacked))
        blend, stacked = blend - blend[..., :1], stacked - stacked[..., :1]
    assert (blend >= stacked.min(axis=0) - 1e-4).all()
    assert (blend <= stacked.max(axis=0) + 1e-4).all()


def test_blend_is_the_weighted_mean():
    parts = {1: np.array([[1.0]]), 2: np.array([[3.0]])}
    assert Ensemble({1: 0.25, 2: 0.75}).blend(parts)[0, 0] == pytest.approx(2.5)
    assert Ensemble({1: 0.5, 2: 0.5}, "log").blend(parts)[0, 0] == pytest.approx(np.sqrt(2 * 4) - 1)
    shares = {1: np.array([[0.2]]), 2: np.array([[0.5]])}
    assert Ensemble({1: 0.5, 2: 0.5}, "logit").blend(shares)[0, 0] == pytest.approx(1 / 3)


@pytest.mark.parametrize(("space", "p"), [("mean", -4.0), ("log", 7.0), ("logit", 0.3), ("geometric", 0.5)])
def test_a_space_is_left_as_it_was_entered(space, p):
    assert from_space(space, to_space(space, np.array([[p, 1 - p]])))[0, 0] == pytest.approx(p)


def test_errors_in_proportion_are_averaged_as_logarithms():
    rng = np.random.default_rng(2)
    y = np.exp(rng.normal(4, 1, (1500, 1)))
    predictions = {n: y * np.exp(rng.normal(0, 0.8, y.shape)) for n in range(4)}
    assert select(get_metric("rmsle"), REGRESSION, y, predictions).space == "log"
    assert select(get_metric("rmse"), REGRESSION, y, predictions).space == "mean"


def test_underconfident_classifiers_are_averaged_as_log_odds():
    rng = np.random.default_rng(6)
    z = rng.normal(0, 3, (3000, 1))
    y = (rng.random(z.shape) < 1 / (1 + np.exp(-z))).astype(float)
    predictions = {n: 1 / (1 + np.exp(-(z + rng.normal(0, 2, z.shape)))) for n in range(5)}
    assert select(get_metric("logloss"), BINARY, y, predictions).space == "logit"


def test_what_can_be_averaged_depends_on_problem_and_metric():
    y = np.array([[1.0], [2.0]])
    assert spaces(get_metric("rmse"), REGRESSION, y) == ("mean",)
    assert spaces(get_metric("smape"), REGRESSION, y - 2) == ("mean",)
    assert spaces(get_metric("smape"), REGRESSION, y) == ("mean", "log")
    assert spaces(get_metric("mlogloss"), THREE, y) == ("mean", "geometric")


CASES = [
    *(
        (name, REGRESSION)
        for name in ("rmse", "mse", "mae", "rmsle", "msle", "smape", "mape", "r2", "medae", "wrmse", "wmae", "pearson")
    ),
    *((name, BINARY) for name in ("auc", "gini", "logloss", "accuracy", "brier", "average_precision")),
    *((name, THREE) for name in ("mlogloss", "accuracy", "auc_ovr", "map@2", "brier")),
]


@pytest.mark.parametrize(("name", "problem"), CASES)
@pytest.mark.parametrize("other", [False, True])
def test_the_losses_of_many_blends_are_the_metrics(name, problem, other):
    """The fast ways order blends as the loss itself does: the differences between blends are the same."""
    metric, rng = get_metric(name), np.random.default_rng(0)
    y, predictions = members(0, 300)
    if problem.classification:
        y, predictions = chances(0, 300, classes=problem.n_classes)
    elif name != "r2":
        y, predictions = np.exp(y), {n: np.exp(p) for n, p in predictions.items()}
    space = spaces(metric, problem, y)[-1 if other else 0]
    weights = rng.uniform(0.5, 2, len(y))
    rows = rng.permutation(len(y))
    blends = Members(metric, problem, y, list(predictions.values()), weights, space).blends_on(rows)
    counts = np.vstack([np.eye(5), [2, 1, 0, 0, 1]])
    low, high = (0, 1) if problem.classification else (y.min(), y.max())  # as selection keeps members within limits
    exact = []
    for c in [*counts, counts[5] + np.eye(5)[3]]:
        ensemble = Ensemble(dict(enumerate(c / c.sum())), space)
        blend = ensemble.blend({n: np.clip(p, low, high) for n, p in predictions.items()})
        exact.append(smooth_loss(metric, problem, y[rows], blend[rows], weights[rows]))
    fast = [*blends.losses(counts), blends.losses_after_adding(counts[5], np.array([1, 3]))[1]]
    binned = name in ("auc", "gini", "average_precision", "auc_ovr")
    scale = 2 if name == "gini" else 1  # 2 AUC - 1
    scale = 3 if name == "brier" and problem is THREE and space == "mean" else scale  # a sum over three classes
    assert np.diff(fast) * scale == pytest.approx(np.diff(exact), rel=2e-3, abs=4e-3 if binned else 1e-5)


@pytest.mark.parametrize(("name", "problem"), [("brier", BINARY), ("brier", THREE), ("pearson", REGRESSION)])
def test_few_members_are_chosen_on_many_rows_where_that_is_fast(name, problem):
    n = 60_000
    y, predictions = members(0, n) if problem is REGRESSION else chances(0, n, classes=problem.n_classes)
    chosen = Members(get_metric(name), problem, y, list(predictions.values()), None, "mean")
    assert len(predictions) < 8
    assert chosen.most_rows >= 30_000


def test_a_score_of_labels_is_chosen_by_its_probabilities():
    rng = np.random.default_rng(0)
    p = rng.random((500, 1))
    y = (rng.random((500, 1)) < p).astype(float)
    ensemble = select(get_metric("accuracy"), BINARY, y, {0: p, 1: rng.random((500, 1))})
    assert ensemble.weights.get(0, 0) > 0.8


def test_each_target_of_several_counts():
    rng = np.random.default_rng(9)
    y = rng.normal(size=(800, 2))
    first = np.column_stack([y[:, 0], rng.normal(size=800)])
    second = np.column_stack([rng.normal(size=800), y[:, 1]])
    two = Problem("regression", 2, 0, "l2", False)
    weights = select(get_metric("mse", 2), two, y, {0: first, 1: second}).weights
    assert weights[0] == pytest.approx(0.5, abs=0.1)


def test_weights_of_rows_are_the_metrics():
    rng = np.random.default_rng(10)
    y = rng.normal(size=(600, 1))
    half = np.arange(600) < 300
    early, late = np.where(half[:, None], y, 0.0), np.where(half[:, None], 0.0, y)
    ensemble = select(get_metric("wrmse"), REGRESSION, y, {0: early, 1: late}, np.where(half, 50.0, 0.1))
    assert ensemble.weights[0] > 0.9


@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_handful_of_rows_is_enough(n):
    y, predictions = members(11, n)
    ensemble = select(get_metric("rmse"), REGRESSION, y, predictions)
    assert sum(ensemble.weights.values()) == pytest.approx(1)


def test_rows_of_one_class_only_in_a_draw_do_no_harm():
    y, predictions = chances(12, 40)
    y[:] = 0
    y[3] = 1  # one half of the rows is without it, whatever the draw
    assert sum(select(get_metric("auc"), BINARY, y, predictions).weights.values()) == pytest.approx(1)


def rare(seed, n, count):
    """Rows of which few are positive, and chances by members that err independently."""
    rng = np.random.default_rng(seed)
    y = np.zeros((n, 1))
    y[rng.choice(n, count, replace=False)] = 1
    predictions = {k: 1 / (1 + np.exp(6 - 1.2 * y - rng.normal(0, 1 + 0.1 * k, (n, 1)))) for k in range(6)}
    return y, predictions


@pytest.mark.slow
def test_of_rare_positives_all_choose_where_that_leaves_the_metric_as_it_is(monkeypatch):
    metric = get_metric("auc")

    def scores():
        for seed in range(2):
            y, predictions = rare(seed, 400_000, 100)
            fresh_y, fresh = rare(seed + 50, 100_000, 3000)
            for name in ("auc", "gini"):
                ensemble = select(get_metric(name), BINARY, y, predictions)
                yield metric.score(fresh_y, ensemble.blend(fresh))

    all_of_them = np.mean(list(scores()))
    monkeypatch.setattr("medalist.pipelines.ensembling.draws.rare_rows", lambda *_: None)
    assert all_of_them > np.mean(list(scores())) + 0.005


@given(st.integers(0, 1000), st.integers(1, 400), st.integers(2, 300))
def test_rare_rows_go_first_and_others_fill_up(seed, count, most):
    rng = np.random.default_rng(seed)
    few = np.zeros(1000, dtype=bool)
    few[rng.choice(1000, count, replace=False)] = True
    rows = rows_with_rare(rng, few, most)
    assert len(rows) == len(set(rows)) == most
    assert few[rows].sum() == min(count, most // 2)


@pytest.mark.parametrize("name", ["auc", "average_precision", "logloss", "f1"])
def test_rows_without_a_positive_are_no_reason_to_fail(name):
    for seed in range(3):
        y, predictions = rare(seed, 60_000, 2)
        assert sum(select(get_metric(name), BINARY, y, predictions).weights.values()) == pytest.approx(1)


@pytest.mark.parametrize("body", ["return float('nan')", "return float('inf')", "raise SystemExit", "return None"])
@pytest.mark.parametrize(
    ("needs", "problem"), [("value", REGRESSION), ("probability", BINARY), ("probability", THREE), ("label", BINARY)]
)
def test_a_custom_metric_without_a_value_has_an_ensemble_all_the_same(tmp_path, needs, problem, body):
    (tmp_path / "custom.py").write_text(f"needs = {needs!r}\n\n\ndef score(y, p):\n    {body}\n")
    metric = get_metric(f"{tmp_path / 'custom.py'}:score")
    y, predictions = chances(0, 200, classes=problem.n_classes) if problem.classification else members(0, 200)
    ensemble = select(metric, problem, y, predictions)
    assert sum(ensemble.weights.values()) == pytest.approx(1)
    assert np.isfinite(ensemble.blend(predictions)).all()
