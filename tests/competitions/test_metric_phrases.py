"""Usual sentences on how submissions are scored: which metric is read, and which is said to be missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medalist.competitions.metrics.reading.missed import missed_metric, rival_metric
from medalist.competitions.metrics.reading.text import read_metric, read_metric_name
from medalist.competitions.metrics.registry import get_metric
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.task import Task
from tests.competitions.little import little_competition


def described(sentence: str) -> str:
    return f"# Barley\n\nGuess it.\n\n## Evaluation\n\n{sentence}"


SUPPORTED = [
    ("Submissions are evaluated by Kendall's tau correlation between predicted and actual y.", "kendall"),
    ("Submissions are evaluated using Kendall rank correlation coefficient (tau-b).", "kendall"),
    ("The metric is the Kendall Tau.", "kendall"),
    (
        "Submissions are scored on the Spearman rank correlation coefficient between the predicted and actual values.",
        "spearman",
    ),
    ("The metric is Spearman's rho.", "spearman"),
    ("Submissions are evaluated on the Pearson correlation coefficient.", "pearson"),
    ("Submissions are evaluated on the mean Pearson correlation coefficient.", "pearson"),
    ("The score is the correlation coefficient between predictions and truth.", "pearson"),
    ("Submissions are scored with the Quadratic Weighted Kappa.", "qwk"),
    ("Submissions are evaluated by the linearly weighted kappa.", "linear_kappa"),
    ("Submissions are evaluated by linear weighted Cohen's kappa.", "linear_kappa"),
    ("Submissions are evaluated using Cohen's kappa.", "kappa"),
    ("Submissions are evaluated using the kappa score.", "kappa"),
    ("Submissions are evaluated using Cohen's Kappa score.", "kappa"),
    ("Submissions are evaluated using Cohen kappa with quadratic weights.", "qwk"),
    ("Submissions are evaluated on the Matthews correlation coefficient (MCC).", "mcc"),
    ("Submissions are evaluated using macro-averaged F1 score.", "macro_f1"),
    ("Submissions are evaluated using the macro F1-score.", "macro_f1"),
    ("The evaluation metric is the F1 macro score.", "macro_f1"),
    ("The metric used is micro-averaged F1.", "micro_f1"),
    ("Performance is evaluated according to the micro averaged F1 score.", "micro_f1"),
    ("The evaluation metric for this challenge is the weighted F1 score.", "weighted_f1"),
    ("The evaluation metric for this challenge is the F1 score, weighted average.", "weighted_f1"),
    ("The error metric for this competition is the F1 score.", "f1"),
    ("The metric is the F2 score.", "fbeta@2"),
    ("The metric is the F0.5 score.", "fbeta@0.5"),
    ("The metric is the F-beta score with beta = 0.5.", "fbeta@0.5"),
    ("Submissions are evaluated on balanced accuracy.", "balanced_accuracy"),
    ("Submissions are evaluated on the mean per-class recall.", "balanced_accuracy"),
    ("Submissions are evaluated on unweighted average recall (UAR).", "balanced_accuracy"),
    ("Submissions are evaluated on the log loss.", "logloss"),
    ("Submissions are evaluated using the multi-class logarithmic loss.", "mlogloss"),
    ("Submissions are scored by binary cross-entropy.", "logloss"),
    ("Submissions are evaluated using categorical cross-entropy loss.", "mlogloss"),
    ("Submissions are scored by weighted log loss.", "balanced_logloss"),
    ("Submissions are scored on the Root Mean Squared Logarithmic Error (RMSLE).", "rmsle"),
    (
        "Submissions are scored on the root mean squared error between the logarithm of the predicted value and the "
        "logarithm of the observed price.",
        "rmsle",
    ),
    ("Submissions are scored on mean absolute percentage error (MAPE).", "mape"),
    ("Submissions are scored on the symmetric mean absolute percentage error.", "smape"),
    ("Submissions are evaluated on SMAPE between forecasts and actual values.", "smape"),
    ("Submissions are scored by the weighted absolute percentage error (WAPE).", "wape"),
    ("Submissions are scored on WMAPE.", "wape"),
    ("Submissions are evaluated on R2 score.", "r2"),
    ("Submissions are evaluated on R-squared.", "r2"),
    ("Submissions are evaluated by the explained variance score.", "explained_variance"),
    ("Submissions are evaluated by median absolute error.", "medae"),
    ("Submissions are evaluated by the maximum error.", "max_error"),
    ("The metric is the max absolute error.", "max_error"),
    ("Submissions are scored on the normalized Gini coefficient.", "gini"),
    ("Submissions are scored on the Gini index.", "gini"),
    ("Submissions are evaluated by average precision.", "average_precision"),
    ("Submissions are evaluated by the area under the precision-recall curve.", "average_precision"),
    ("Submissions are evaluated by PR-AUC.", "average_precision"),
    ("Submissions are evaluated by AUPRC.", "average_precision"),
    ("Submissions are evaluated by AUC-PR.", "average_precision"),
    ("Submissions are evaluated by MAP@5.", "map@5"),
    ("Submissions are evaluated by top-1 accuracy.", "accuracy"),
    ("Submissions are evaluated by the Brier score.", "brier"),
    ("Submissions are evaluated by pinball loss at the 0.9 quantile.", "pinball@0.9"),
    ("Submissions are evaluated by quantile loss for tau = 0.75.", "pinball@0.75"),
    ("Submissions are evaluated on AUC.", "auc"),
    ("The evaluation metric for this challenge is Area Under the Curve (AUC).", "auc"),
    ("Submissions are evaluated on the mean squared log error.", "msle"),
    ("Submissions are evaluated on root mean square percentage error (RMSPE).", "rmspe"),
    ("Submissions are evaluated on MAE.", "mae"),
    ("Submissions are evaluated on the Mean Absolute Deviation.", "mae"),
    ("Submissions are evaluated by the L1 loss.", "mae"),
    ("Submissions are evaluated on error rate.", "error_rate"),
    ("Submissions are evaluated on categorization accuracy.", "accuracy"),
    ("Submissions are evaluated on the percentage of correct predictions.", "accuracy"),
]


@pytest.mark.parametrize(("sentence", "name"), SUPPORTED)
def test_a_metric_that_medalist_has_is_read(sentence: str, name: str) -> None:
    named = read_metric(described(sentence))
    assert named is not None
    assert named[0] == name
    assert missed_metric(described(sentence)) is None
    assert rival_metric(*named) is None


UNSUPPORTED = [
    "Submissions are evaluated on Lin's concordance correlation coefficient.",
    "Submissions are evaluated by the concordance index (C-index).",
    "Submissions are ranked by Harrell's C-index.",
    "Submissions are evaluated on sample-averaged F1 score.",
    "Submissions are scored on the median absolute percentage error.",
    "Submissions are scored by mean absolute scaled error (MASE).",
    "Submissions are scored by RMSSE.",
    "Submissions are evaluated on the root mean squared scaled error.",
    "Submissions are evaluated on WRMSSE.",
    "Submissions are evaluated on adjusted R-squared.",
    "Submissions are evaluated by the Kolmogorov-Smirnov statistic (KS).",
    "Submissions are evaluated by KS statistic.",
    "Submissions are evaluated by mean average precision (mAP).",
    "Submissions are evaluated by top-5 accuracy.",
    "Submissions are evaluated by top-3 accuracy: whether the label is among three guesses.",
    "Submissions are evaluated by Brier skill score.",
    "Submissions are evaluated by the Jaccard index.",
    "Submissions are evaluated by the mean Jaccard score.",
    "Submissions are evaluated by Hamming loss.",
    "Submissions are evaluated by Hamming score.",
    "Submissions are evaluated by mean Poisson deviance.",
    "Submissions are evaluated by the Poisson deviance.",
    "Submissions are evaluated by Gamma deviance.",
    "Submissions are evaluated by the Tweedie deviance with power 1.5.",
    "Submissions are evaluated by the Huber loss.",
    "Submissions are evaluated by the log-cosh loss.",
    "Submissions are evaluated by the normalized root mean squared error (NRMSE).",
    "Submissions are evaluated by NRMSE.",
    "Submissions are evaluated by the relative absolute error.",
    "Submissions are evaluated by mean bias error.",
    "Submissions are evaluated by geometric mean of recall and precision.",
    "Submissions are evaluated by the G-mean.",
    "Submissions are evaluated by precision.",
    "Submissions are evaluated by precision at 10.",
    "Submissions are evaluated by recall.",
    "Submissions are evaluated by recall at 5% false positive rate.",
    "Submissions are evaluated by specificity.",
    "Submissions are evaluated by Youden's J.",
    "Submissions are evaluated by lift at the first decile.",
    "Submissions are evaluated by the adjusted Rand index.",
    "Submissions are evaluated by mutual information.",
    "Submissions are evaluated by mean reciprocal rank.",
    "Submissions are evaluated by NDCG@10.",
    "Submissions are evaluated by the Theil's U statistic.",
    "Submissions are evaluated by the cosine similarity.",
    "Submissions are evaluated by mean angular error.",
    "Submissions are evaluated by mean Haversine distance.",
    "Submissions are evaluated by profit in euros.",
    "Submissions are evaluated by the expected cost.",
    "Submissions are evaluated by the exact match ratio.",
    "Submissions are evaluated on one-vs-one AUC.",
    "Submissions are evaluated on partial AUC above 80% TPR.",
    "Submissions are evaluated by the mean squared error, normalised by the variance.",
    "Submissions are evaluated by RMSE normalised by the mean.",
    "Submissions are evaluated on word error rate.",
    "Submissions are evaluated on the Equal Error Rate.",
    "Submissions are evaluated on expected calibration error.",
    "Submissions are evaluated by a custom metric.",
]


def inferred(description: str, **options) -> Task:
    """The task of a made-up competition with a numeric target."""
    rng = np.random.default_rng(2)
    train = pd.DataFrame({"id": range(40), "x": rng.normal(size=40), "y": rng.normal(size=40).round(2) + 5})
    test = pd.DataFrame({"id": range(900, 905), "x": rng.normal(size=5)})
    return infer_task(little_competition(train, test, test[["id"]].assign(y=0.0), description), **options)


@pytest.mark.parametrize("sentence", UNSUPPORTED)
def test_a_metric_that_medalist_does_not_have_is_not_taken_for_another(sentence: str) -> None:
    assert read_metric(described(sentence)) is None
    missed = missed_metric(described(sentence))
    assert missed is not None
    assert missed.quote == sentence
    assert missed.words in sentence
    task = inferred(described(sentence))
    assert task.metric_source == "assumed"
    [note] = [n for n in task.notes if "--metric" in n and "assumed" not in n]
    assert (missed.words or sentence) in note


def test_a_function_of_ones_own_stands_in_for_a_missing_metric(tmp_path) -> None:
    text = described("Submissions are evaluated by the Nash-Sutcliffe efficiency.")
    assert any("“Nash-Sutcliffe efficiency”" in n and "--metric file.py:function" in n for n in inferred(text).notes)
    file = tmp_path / "mine.py"
    file.write_text("def nse(y, p):\n    return 1 - ((y - p) ** 2).sum() / ((y - y.mean()) ** 2).sum()\n")
    task = inferred(text, metric=f"{file}:nse")
    assert task.metric_source == "given"
    assert task.scorer().score(np.arange(5.0), np.arange(5.0)) == 1.0
    assert not any("Nash" in n for n in task.notes)


def test_a_metric_without_its_parameter_is_named_with_one() -> None:
    notes = inferred(described("Submissions are evaluated by the F-beta score.")).notes
    [note] = [n for n in notes if "without its parameter" in n]
    assert "--metric fbeta@2" in note
    assert get_metric("fbeta@2").name == "fbeta@2"


@pytest.mark.parametrize(
    ("sentence", "taken", "other"),
    [
        ("Submissions are evaluated by ROC AUC and F1.", "auc", "f1"),
        ("The score is 0.5 * RMSE + 0.5 * MAE.", "rmse", "mae"),
        ("Submissions are evaluated by the mean of MAE and the Pearson correlation coefficient.", "mae", "pearson"),
    ],
)
def test_of_two_metrics_of_a_sentence_the_other_one_is_said(sentence: str, taken: str, other: str) -> None:
    named = read_metric(described(sentence))
    assert named is not None
    assert named[0] == taken
    assert rival_metric(*named) == other
    if get_metric(taken).needs == "value":
        [note] = [n for n in inferred(described(sentence)).notes if "beside" in n]
        assert other in note
        assert "--metric" in note


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Categorization Accuracy", "accuracy"),
        ("Area Under Receiver Operating Characteristic Curve", "auc"),
        ("AUC - ROC Curve", "auc"),
        ("Roc Auc Score", "auc"),
        ("Root Mean Squared Logarithmic Error", "rmsle"),
        ("RootMeanSquaredError", "rmse"),
        ("MulticlassLoss", "mlogloss"),
        ("Logarithmic Loss", "logloss"),
        ("Quadratic Weighted Kappa", "qwk"),
        ("Normalized Gini Index", "gini"),
        ("MAP@{K}", None),
        ("MAP@5", "map@5"),
        ("Mean F1 Score", "f1"),
        ("MCRMSE", "mean_rmse"),
        ("Mean Columnwise Area Under Receiver Operating Characteristic Curve", "mean_auc"),
        ("R2 Score", "r2"),
        ("Smape", "smape"),
        ("Levenshtein Mean", None),
        ("Custom metric", None),
    ],
)
def test_names_that_kaggle_gives_to_metrics(words: str, name: str | None) -> None:
    assert read_metric_name(words) == name
