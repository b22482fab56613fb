"""Metrics: equal to scikit-learn's, best constants that nothing beats, names, errors, a person's function."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.registry import assumed_metric, get_metric, metric_for, metric_names

QUANTILES = {"winkler", "quantile_score", "wis", "crps"}  # which need levels: test_quantile_metrics.py
CONCRETE = tuple(
    {"map@k": "map@3", "pinball@q": "pinball@0.8", "fbeta@b": "fbeta@2"}.get(n, n)
    for n in metric_names()
    if n not in QUANTILES
)
COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def example(metric: Metric, seed: int, n: int = 60, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions that suit a metric, with ties and zeros among them."""
    rng = np.random.default_rng(seed)
    if metric.needs == "value":
        y = np.round(rng.gamma(2.0, 3.0, n), 1) * (rng.random(n) > 0.1)
        p = np.round(np.abs(y + rng.normal(0, 2, n)), 1)
        return y[:, None], p[:, None]
    k = 2 if "multiclass" not in metric.problem_types else k
    y = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    if metric.needs == "label":
        return y[:, None].astype(float), np.where(rng.random(n) < 0.6, y, rng.integers(0, k, n))[:, None].astype(float)
    if k == 2:
        p = np.clip(np.round(0.5 * y + 0.6 * rng.random(n), 2), 0.01, 0.99)
        return y[:, None].astype(float), p[:, None]
    p = rng.random((n, k)) + np.eye(k)[y]
    return y[:, None].astype(float), p / p.sum(axis=1, keepdims=True)


def references() -> dict[str, Callable[[np.ndarray, np.ndarray], float]]:
    from scipy import stats
    from sklearn import metrics as sk

    return {
        "accuracy": sk.accuracy_score,
        "micro_f1": lambda y, p: sk.f1_score(y, p, average="micro"),
        "macro_f1": lambda y, p: sk.f1_score(y, p, average="macro", zero_division=0),
        "weighted_f1": lambda y, p: sk.f1_score(y, p, average="weighted", zero_division=0),
        "f1": lambda y, p: sk.f1_score(y, p, zero_division=0),
        "fbeta@2": lambda y, p: sk.fbeta_score(y, p, beta=2, zero_division=0),
        "balanced_accuracy": sk.balanced_accuracy_score,
        "error_rate": sk.zero_one_loss,
        "mcc": sk.matthews_corrcoef,
        "qwk": lambda y, p: sk.cohen_kappa_score(y, p, weights="quadratic"),
        "linear_kappa": lambda y, p: sk.cohen_kappa_score(y, p, weights="linear"),
        "kappa": sk.cohen_kappa_score,
        "auc": lambda y, p: sk.roc_auc_score(y, p, multi_class="ovr"),
        "auc_ovr": lambda y, p: sk.roc_auc_score(y, p, multi_class="ovr"),
        "average_precision": sk.average_precision_score,
        "logloss": sk.log_loss,
        "mlogloss": sk.log_loss,
        "brier": lambda y, p: float(((np.eye(p.shape[1])[y.astype(int)] - p) ** 2).sum(axis=1).mean()),
        "rmse": sk.root_mean_squared_error,
        "mse": sk.mean_squared_error,
        "mae": sk.mean_absolute_error,
        "rmsle": sk.root_mean_squared_log_error,
        "msle": sk.mean_squared_log_error,
        "medae": sk.median_absolute_error,
        "mape": sk.mean_absolute_percentage_error,
        "r2": sk.r2_score,
        "pinball@0.8": lambda y, p: sk.mean_pinball_loss(y, p, alpha=0.8),
        "pearson": lambda y, p: stats.pearsonr(y, p).statistic,
        "spearman": lambda y, p: stats.spearmanr(y, p).statistic,
        "kendall": lambda y, p: stats.kendalltau(y, p).statistic,
        "explained_variance": sk.explained_variance_score,
        "max_error": sk.max_error,
        "wape": lambda y, p: np.abs(y - p).sum() / np.abs(y).sum(),
        "map@3": lambda y, p: (
            sk.label_ranking_average_precision_score(np.eye(p.shape[1])[y.astype(int)], p)
            - float(np.mean([(1 / 4) * (np.sum(p[i] > p[i, int(c)]) == 3) for i, c in enumerate(y)]))
        ),
    }


def test_scores_equal_scikit_learns() -> None:
    for name, reference in references().items():
        metric = get_metric(name)
        for seed in range(5):
            y, p = example(metric, seed)
            expected = reference(y[:, 0], p[:, 0] if p.shape[1] == 1 else p)
            assert metric.score(y, p) == pytest.approx(expected, rel=1e-9, abs=1e-12), name


def test_binary_probabilities_equal_scikit_learns() -> None:
    from sklearn import metrics as sk

    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 200).astype(float), rng.random(200).round(1).clip(0.05, 0.95)
    assert get_metric("auc").score(y, p) == pytest.approx(sk.roc_auc_score(y, p))
    assert get_metric("logloss").score(y, p) == pytest.approx(sk.log_loss(y, p))
    assert get_metric("logloss").score(y, np.column_stack([1 - p, p])) == pytest.approx(sk.log_loss(y, p))
    assert get_metric("brier").score(y, p) == pytest.approx(sk.brier_score_loss(y, p))
    assert get_metric("gini").score(y, p) == pytest.approx(2 * sk.roc_auc_score(y, p) - 1)


@pytest.mark.parametrize(
    ("name", "y", "p", "expected"),
    [
        ("smape", [0, 100, 50], [0, 50, 100], 200 * (0 + 50 / 150 + 50 / 150) / 3),
        ("rmspe", [0, 10, 20], [7, 11, 18], math.sqrt((0.01 + 0.01) / 2)),
        ("map@2", [0, 1, 2], [[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.6, 0.3, 0.1]], (1 + 0.5 + 0) / 3),
        ("balanced_logloss", [0, 0, 0, 1], [0.5, 0.5, 0.5, 0.1], (math.log(2) - math.log(0.1)) / 2),
        ("mlogloss", [0, 1], [[0.2, 0.2], [0.2, 0.6]], (math.log(2) - math.log(0.75)) / 2),
        ("qwk", [0, 0, 2, 2], [0, 0, 2, 2], 1.0),
        ("qwk", [0, 4], [4, 0], -1.0),
        ("gini", [1, 2, 3, 4], [1, 2, 3, 4], 1.0),
    ],
)
def test_known_values(name: str, y: list, p: list, expected: float) -> None:
    assert get_metric(name).score(np.array(y, dtype=float), np.array(p, dtype=float)) == pytest.approx(expected)


def test_weights_count_only_where_the_metric_has_them() -> None:
    y, p, w = np.array([1.0, 2.0]), np.array([2.0, 5.0]), np.array([3.0, 1.0])
    assert get_metric("wmae").score(y, p, w) == pytest.approx(1.5)
    assert get_metric("wmae").score(y, p) == pytest.approx(2.0)
    assert get_metric("mae").score(y, p, w) == pytest.approx(2.0)
    assert get_metric("wmae").best_constant(y[:, None], weights=w) == pytest.approx([1.0])
    with pytest.raises(MetricError):
        get_metric("wmae").score(y, p, np.array([0.0, 0.0]))


@pytest.mark.parametrize("name", CONCRETE)
def test_a_perfect_prediction_reaches_the_bound(name: str) -> None:
    metric = get_metric(name)
    y, _ = example(metric, 3)
    perfect = y
    if metric.needs in ("probability", "ranking") and "multiclass" in metric.problem_types:
        perfect = np.eye(4)[y[:, 0].astype(int)]
    best = metric.bounds[1] if metric.greater_is_better else metric.bounds[0]
    assert metric.score(y, perfect) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("name", CONCRETE)
def test_row_losses_give_the_score(name: str) -> None:
    metric = get_metric(name)
    y, p = example(metric, 5)
    losses = metric.losses(y, p)
    assert (losses is not None) == metric.per_row
    if losses is not None:
        assert losses.shape == (len(y),)
        assert metric.from_mean(float(losses.mean())) == pytest.approx(metric.score(y, p))
        worse = metric.losses(y, example(metric, 6)[1])
        assert worse is not None
        other = metric.from_mean(float(worse.mean()))
        assert metric.better(metric.score(y, p), other) == (losses.mean() < worse.mean())


@pytest.mark.parametrize("name", CONCRETE)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(5, 40), share=st.floats(0, 1), extra=st.floats(-30, 60))
@settings(max_examples=15, deadline=None)
def test_no_other_constant_scores_better(name: str, seed: int, n: int, share: float, extra: float) -> None:
    metric = get_metric(name)
    y, p = example(metric, seed, n=n)
    best = metric.best_constant(y, n_classes=p.shape[1] if p.shape[1] > 1 else None)
    assert best.shape == (p.shape[1],)
    reached = metric.score(y, np.tile(best, (len(y), 1)))
    for other in _other_constants(metric, y, p.shape[1], share, extra):
        try:
            score = metric.score(y, np.tile(other, (len(y), 1)))
        except MetricError:
            continue
        tolerance = 1e-7 * max(1.0, abs(reached))
        assert score <= reached + tolerance if metric.greater_is_better else score >= reached - tolerance, other


def _other_constants(metric: Metric, y: np.ndarray, width: int, share: float, extra: float) -> list[np.ndarray]:
    if metric.needs == "label":
        return [np.array([float(code)]) for code in range(int(y.max()) + 2)]
    if metric.needs == "value":
        values = np.unique(y)
        between = values[:-1] + share * np.diff(values)
        return [np.array([v]) for v in (*values, *between, extra, float(y.mean()), float(np.median(y)))]
    if width == 1:
        return [np.array([q]) for q in (share, 0.5, 0.0, 1.0, float(y.mean()))]
    rng = np.random.default_rng(int(share * 1e6))
    return [np.full(width, 1 / width), *rng.dirichlet(np.ones(width), 10), *np.eye(width)]


def test_best_constants_of_known_targets() -> None:
    y = np.array([1.0, 1.0, 2.0, 10.0, 20.0])[:, None]
    assert get_metric("rmse").best_constant(y) == pytest.approx([6.8])
    assert get_metric("mae").best_constant(y) == pytest.approx([2.0])
    assert get_metric("rmsle").best_constant(y) == pytest.approx(np.expm1([np.log1p(y).mean()]))
    codes = np.array([0.0, 0.0, 1.0, 3.0])[:, None]
    assert get_metric("mlogloss").best_constant(codes) == pytest.approx([0.5, 0.25, 0, 0.25])
    assert get_metric("mlogloss").best_constant(codes, n_classes=5) == pytest.approx([0.5, 0.25, 0, 0.25, 0])
    assert get_metric("accuracy").best_constant(codes) == pytest.approx([0.0])
    assert get_metric("logloss").best_constant(np.array([[0.0], [1.0], [1.0], [1.0]])) == pytest.approx([0.75])
    two = np.array([[0.0, 1.0], [1.0, 1.0]])
    assert get_metric("auc", 2).best_constant(two) == pytest.approx([0.5, 1.0])


def test_best_smape_constant_of_many_rows_is_quick_and_good() -> None:
    y = np.random.default_rng(0).gamma(2.0, 50.0, 200_000)[:, None]
    metric = get_metric("smape")
    best = metric.best_constant(y)
    reached = metric.score(y, np.full_like(y, best[0]))
    assert all(metric.score(y, np.full_like(y, best[0] * f)) >= reached for f in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0))


def test_the_mean_over_targets() -> None:
    rng = np.random.default_rng(1)
    y, p = rng.integers(0, 2, (50, 3)).astype(float), rng.random((50, 3))
    metric, single = get_metric("roc auc", n_targets=3), get_metric("auc")
    assert metric.name == "mean_auc"
    assert metric.score(y, p) == pytest.approx(np.mean([single.score(y[:, t], p[:, t]) for t in range(3)]))
    losses = get_metric("logloss", 3).losses(y, p)
    assert losses is not None
    assert losses.mean() == pytest.approx(get_metric("mean_logloss").score(y, p))
    assert get_metric("rmse", 3).losses(y, p) is None
    assert get_metric("mcrmse").name == "mean_rmse"
    assert get_metric("mlogloss", 3).name == "mean_logloss"
    with pytest.raises(MetricError, match="mean_auc"):
        single.score(y, p)
    with pytest.raises(MetricError):
        get_metric("map@3", n_targets=2)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("ROC AUC", "auc"), ("roc_auc_score", "auc"), ("AUC-ROC", "auc"), ("log_loss", "logloss"),
        ("Log-Loss", "logloss"), ("neg_log_loss", "logloss"), ("neg_root_mean_squared_error", "rmse"),
        ("RMSE", "rmse"), ("R²", "r2"), ("R^2", "r2"), ("mean_squared_log_error", "msle"),
        ("root mean squared logarithmic error", "rmsle"), ("f1_macro", "macro_f1"),
        ("quadratic weighted kappa", "qwk"), ("MAP@3", "map@3"), ("map3", "map@3"),
        ("Mean Average Precision @ 5", "map@5"), ("pinball@0.90", "pinball@0.9"), ("quantile_loss@.9", "pinball@0.9"),
        ("mean_roc_auc", "mean_auc"), ("mean columnwise rmse", "mean_rmse"), ("mean absolute error", "mae"),
        ("Normalized Gini", "gini"), ("f2", "fbeta@2"), ("matthews_corrcoef", "mcc"), ("weighted MAE", "wmae"),
        ("mean_mae", "mean_mae"),
    ],
)  # fmt: skip
def test_aliases(alias: str, name: str) -> None:
    assert get_metric(alias).name == name


@pytest.mark.parametrize("name", [*CONCRETE, "mean_auc", "mean_rmse"])
def test_names_are_stable_and_metrics_travel_between_processes(name: str) -> None:
    metric = get_metric(name)
    assert metric.name == name
    copy = pickle.loads(pickle.dumps(metric))
    assert (copy.name, copy.needs, copy.bounds) == (metric.name, metric.needs, metric.bounds)
    assert metric.title
    assert metric.better(1.0, 0.0) == metric.greater_is_better
    assert metric.better(1.0, math.nan)
    assert not metric.better(math.nan, 1.0)
    assert not metric.better(1.0, 1.0)


@pytest.mark.parametrize(
    ("name", "message"),
    [("rmze", "rmse"), ("acuracy", "accuracy"), ("map", "map@3"), ("pinball", "pinball@0.9"), ("pinball@2", "quantile"),
     ("map@0", "whole number"), ("map@1.5", "whole number"), ("map@inf", "whole number"),
     ("xyzzy", "file.py:function"), ("", "known")],
)  # fmt: skip
def test_an_unknown_name_is_one_sentence_that_helps(name: str, message: str) -> None:
    with pytest.raises(MetricError, match=message) as caught:
        get_metric(name)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=20))
@COMMON
def test_any_name_is_a_metric_or_a_metric_error(name: str) -> None:
    try:
        metric = get_metric(name)
    except MetricError:
        return
    assert get_metric(metric.name).name == metric.name


@pytest.mark.parametrize(
    ("name", "y", "p", "message"),
    [
        ("rmsle", [1, 2], [1, -3], "-3"),
        ("rmsle", [-1, 2], [1, 3], "target"),
        ("rmse", [1, 2], [1, math.nan], "missing"),
        ("rmse", [1, math.inf], [1, 1], "infinite"),
        ("rmse", [1, 2], [1], "1 predictions for 2 rows"),
        ("rmse", [1, 2], [[1, 2], [3, 4]], "columns"),
        ("rmse", [], [], "empty"),
        ("auc", [1, 1], [0.2, 0.3], "class"),
        ("auc", [0, 3], [0.2, 0.3], "class"),
        ("logloss", [0, 1], [0.2, 1.7], "0 to 1"),
        ("mlogloss", [0, 1], [[0.0, 0.0], [0.5, 0.5]], "all zero"),
        ("mlogloss", [0, 5], [[0.3, 0.7], [0.5, 0.5]], "class 5"),
        ("accuracy", [0, 1], [0.2, 1], "class"),
        ("f1", [0, 1], [2, 1], "macro_f1"),
        ("r2", [1, 1], [1, 2], "same value"),
        ("pearson", [1, 1], [1, 2], "same value"),
        ("rmspe", [0, 0], [1, 2], "zero"),
    ],
)
def test_what_cannot_be_computed_is_one_sentence(name: str, y: list, p: list, message: str) -> None:
    with pytest.raises(MetricError, match=message) as caught:
        get_metric(name).score(np.array(y, dtype=float), np.array(p, dtype=float))
    assert "\n" not in str(caught.value)


def test_the_metric_of_a_problem_type() -> None:
    assert metric_for("log loss", "multiclass") == "mlogloss"
    assert metric_for("mlogloss", "binary") == "logloss"
    assert metric_for("f1", "multiclass") == "macro_f1"
    assert metric_for("auc", "binary", n_targets=7) == "mean_auc"
    assumed = [assumed_metric(kind) for kind in ("binary", "multiclass", "ordinal", "regression")]
    assert assumed == ["auc", "accuracy", "qwk", "rmse"]
    with pytest.raises(MetricError):
        assumed_metric("clustering")


CUSTOM = """
import sys
import numpy as np

NEEDS = "value"

def cubic(y_true, y_pred):
    "Mean cubic error."
    assert y_true.ndim == 1 and y_pred.ndim == 1
    return np.mean(np.abs(y_true - y_pred) ** 3)

cubic.greater_is_better = False

def hits(y_true, y_pred):
    return (y_true == y_pred).mean()

hits.needs = "label"

def correlation(y_true, y_pred):
    with np.errstate(invalid="ignore"):
        return np.corrcoef(y_true, y_pred)[0, 1]

def clipping(y_true, y_pred):
    y_true[y_true < 0], y_pred[:] = 0, 1
    return np.mean(y_true - y_pred)

def broken(y_true, y_pred):
    raise RuntimeError("no good")

def leaving(y_true, y_pred):
    sys.exit("bye")

def silent(y_true, y_pred):
    return float("nan")

def endless(y_true, y_pred):
    return -np.inf

def nothing(y_true, y_pred):
    return None

def per_row(y_true, y_pred):
    return y_true - y_pred

def text(y_true, y_pred):
    return "high"

def complex_number(y_true, y_pred):
    return 1j

def odd(y_true, y_pred):
    return 0.0

odd.needs = "luck"

def aimless(y_true, y_pred):
    return 0.0

aimless.objective = "mse"
"""


@pytest.fixture
def custom(tmp_path: Path) -> Path:
    file = tmp_path / "custom.py"
    file.write_text(CUSTOM)
    return file


def test_a_custom_metric(custom: Path) -> None:
    metric = get_metric(f"{custom}:cubic")
    assert (metric.name, metric.needs, metric.greater_is_better) == (f"{custom.resolve()}:cubic", "value", False)
    assert metric.title == "Mean cubic error"
    y = np.array([[1.0], [2.0], [9.0]])
    assert metric.score(y, np.array([[1.0], [2.0], [7.0]])) == pytest.approx(8 / 3)
    best = metric.best_constant(y)
    reached = metric.score(y, np.full((3, 1), best[0]))
    assert all(metric.score(y, np.full((3, 1), c)) >= reached for c in (1.0, 2.0, 9.0))
    assert metric.losses(y, y) is None
    copy = pickle.loads(pickle.dumps(metric))
    assert (copy.name, copy.score(y, y)) == (metric.name, 0.0)
    hits = get_metric(f"{custom}:hits")
    assert (hits.needs, hits.greater_is_better) == ("label", True)
    assert hits.best_constant(np.array([[0.0], [2.0], [2.0]])) == pytest.approx([2.0])


@pytest.mark.parametrize(
    ("function", "message"),
    [("broken", "no good"), ("leaving", "SystemExit: bye"), ("silent", "NaN"), ("endless", "infinite"),
     ("nothing", "failed"), ("per_row", "failed"), ("text", "failed"), ("complex_number", "failed"), ("odd", "luck"),
     ("aimless", "has to be one of l2"),
     ("absent", "has no function")],
)  # fmt: skip
def test_a_custom_metric_that_gives_no_finite_number_is_one_sentence(custom: Path, function: str, message: str) -> None:
    with pytest.raises(MetricError, match=message) as caught:
        get_metric(f"{custom}:{function}").score(np.arange(3.0), np.ones(3))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", ["broken", "leaving", "silent", "endless", "nothing", "correlation"])
@pytest.mark.parametrize("needs", ["value", "probability", "label", "ranking"])
def test_a_custom_metric_without_a_value_on_constants_has_a_best_constant_all_the_same(
    custom: Path, function: str, needs: str
) -> None:
    custom.write_text(CUSTOM + f"\n{function}.needs = {needs!r}\n")
    metric = get_metric(f"{custom}:{function}")
    y = np.array([[0.0], [1.0], [1.0], [2.0]])
    best = metric.best_constant(y, n_classes=3)
    assert best.shape == ((3,) if needs in ("probability", "ranking") else (1,))
    assert np.isfinite(best).all()
    with pytest.raises(MetricError):
        metric.score(y, np.tile(best, (4, 1)))


def test_a_custom_metric_may_change_the_arrays_that_it_gets(custom: Path) -> None:
    y, p = np.array([[-1.0], [3.0]]), np.array([[5.0], [7.0]])
    assert get_metric(f"{custom}:clipping").score(y, p) == pytest.approx(0.5)
    assert (y[:, 0].tolist(), p[:, 0].tolist()) == ([-1, 3], [5, 7])


def test_a_file_that_is_missing_or_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(MetricError, match="does not exist"):
        get_metric(f"{tmp_path}/none.py:f")
    (tmp_path / "bad.py").write_text("def f(:\n")
    with pytest.raises(MetricError, match="SyntaxError"):
        get_metric(f"{tmp_path}/bad.py:f")
    (tmp_path / "script.py").write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(MetricError, match="SystemExit: 3"):
        get_metric(f"{tmp_path}/script.py:f")
    with pytest.raises(MetricError, match="cannot be found"):
        get_metric("\0.py:f")


@pytest.mark.parametrize("name", ["rmse", "mse", "rmspe"])
def test_a_score_that_overflows_is_no_score(name: str) -> None:
    with np.errstate(over="ignore"), pytest.raises(MetricError, match="not finite"):
        get_metric(name).score(np.array([1e-5, 2.0]), np.array([1e200, 1e200]))
