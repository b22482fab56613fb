"""How a metric is read from a description, in the many ways that competitions phrase it."""

# ruff: noqa: E501  (sentences are kept whole)

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.competitions.metrics.reading.text import read_metric
from medalist.competitions.metrics.registry import get_metric

ROOT = Path(__file__).resolve().parents[2]
SHARED = next((folder for folder in (ROOT / "shared", ROOT.parent / "shared") if folder.is_dir()), ROOT / "shared")

PHRASINGS = [
    # probabilities of two classes
    ("Submissions are evaluated on area under the ROC curve between the predicted probability and the observed target.", "auc"),
    ("Submissions are judged on area under the Receiver Operating Characteristic (ROC) curve.", "auc"),
    ("Evaluation\n\nYour score is the ROC-AUC of the predicted default probability.", "auc"),
    ("## Metric\nThe evaluation metric for this competition is AUC.", "auc"),
    ("Models will be ranked by AUROC on the hidden test set.", "auc"),
    ("Predictions are scored with `roc_auc_score` from scikit-learn.", "auc"),
    ("The performance of the model is assessed by the Area Under the Curve (AUC).", "auc"),
    ("Submissions are scored on the log loss: $$-\\frac{1}{n}\\sum_{i=1}^n [y_i \\log(\\hat{y}_i) + (1-y_i)\\log(1-\\hat{y}_i)]$$", "logloss"),
    ("Submissions will be evaluated using the Logarithmic Loss (smaller is better).", "logloss"),
    ("The metric is binary cross-entropy.", "logloss"),
    ("We use the Brier score to evaluate the forecasts.", "brier"),
    ("The metric used is the normalized Gini coefficient.", "gini"),
    ("Submissions are evaluated using the Normalized Gini Coefficient. During scoring, observations are sorted from the "
     "largest to the smallest predictions.", "gini"),
    ("Submissions are evaluated using a balanced logarithmic loss. The overall effect is such that each class is roughly "
     "equally important for the final score.", "balanced_logloss"),
    ("The score is the area under the precision-recall curve.", "average_precision"),
    # probabilities of several classes
    ("Submissions are evaluated using the multi-class logarithmic loss.", "mlogloss"),
    ("Your submission is scored by multiclass log loss. For each id, submit a probability for each class.", "mlogloss"),
    ("Submissions are evaluated using log loss. Each product has one true category; for each product, you must submit a "
     "set of predicted probabilities (one for every category).", "mlogloss"),
    ("Scoring: categorical cross-entropy over the nine classes.", "mlogloss"),
    ("Submissions are evaluated on one-vs-rest ROC AUC, averaged over classes.", "auc_ovr"),
    # labels
    ("Submissions are evaluated using the accuracy score.", "accuracy"),
    ("Evaluation: categorization accuracy.", "accuracy"),
    ("Your score is the percentage of passengers you correctly predict. This is known as accuracy.", "accuracy"),
    ("Submissions are scored by the share of passengers predicted correctly (accuracy).", "accuracy"),
    ("Submissions are evaluated based on their classification accuracy, the percentage of predicted labels that are "
     "correct.", "accuracy"),
    ("Entries are ranked by the fraction of flights that are classified correctly.", "accuracy"),
    ("Your score is the proportion of correct predictions.", "accuracy"),
    ("This competition is evaluated on the categorization accuracy of your predictions (the percentage of images you get "
     "correct).", "accuracy"),
    ("Submissions are scored using balanced accuracy, to account for the rare classes.", "balanced_accuracy"),
    ("Submissions are evaluated using F1 between the predicted and expected answers.", "f1"),
    ("The evaluation metric for this competition is Mean F1-Score.", "f1"),
    ("The metric is the F1 score, the harmonic mean of precision and recall.", "f1"),
    ("Submissions will be evaluated based on their macro F1 score.", "macro_f1"),
    ("Evaluation metric: F1-score (macro averaged).", "macro_f1"),
    ("The F1 score is computed for each class and then averaged; this is your final score.", "macro_f1"),
    ("The Evaluation metric for this competition is weighted F1 Score.", "weighted_f1"),
    ("Submissions are evaluated on MeanFScore, which is actually a micro-averaged F1-score.", "micro_f1"),
    ("Submissions are scored on the F2 score, which favours recall.", "fbeta@2"),
    ("Submissions are evaluated using F-beta score with beta = 0.5.", "fbeta@0.5"),
    ("Submissions are evaluated using Matthews correlation coefficient (MCC) between predictions and the target.", "mcc"),
    ("Submissions are scored based on the quadratic weighted kappa, which measures the agreement between two outcomes.", "qwk"),
    ("Submissions are evaluated on Cohen's quadratically weighted kappa.", "qwk"),
    ("Participants are ranked by misclassification rate.", "error_rate"),
    # values
    ("Submissions are scored on the root mean squared error. RMSE is defined as:", "rmse"),
    ("The evaluation metric is RMSE.", "rmse"),
    ("Submissions are evaluated by the Root Mean Square Error (RMSE) between predicted and actual price.", "rmse"),
    ("Your score is the square root of the mean of the squared differences between prediction and truth.", "rmse"),
    ("Submissions are evaluated on Root-Mean-Squared-Error (RMSE) between the logarithm of the predicted value and the "
     "logarithm of the observed sales price.", "rmsle"),
    ("Submissions are evaluated one the Root Mean Squared Logarithmic Error (RMSLE).", "rmsle"),
    ("The evaluation metric for this competition is the RMSLE (root mean squared log error) between the actual and "
     "predicted auction prices.", "rmsle"),
    ("Submissions are evaluated on the mean squared logarithmic error.", "msle"),
    ("Submissions are evaluated using mean squared error (MSE).", "mse"),
    ("Submissions are evaluated on the Mean Absolute Error (MAE) between the predicted return and the observed target.", "mae"),
    ("The score is the average absolute difference between forecast and truth.", "mae"),
    ("This competition is evaluated on the weighted mean absolute error (WMAE), holidays weighing five.", "wmae"),
    ("Submissions are evaluated using Median Absolute Error.", "medae"),
    ("Forecasts are evaluated by MAPE, the mean absolute percentage error.", "mape"),
    ("Submissions are evaluated on SMAPE between forecasts and actual values. We define SMAPE = 0 when both are 0.", "smape"),
    ("The metric: symmetric mean absolute percentage error.", "smape"),
    ("Submissions are evaluated on the Root Mean Square Percentage Error (RMSPE).", "rmspe"),
    ("Submissions are evaluated on the R^2 value, also called the coefficient of determination.", "r2"),
    ("Evaluation\n==========\n\nThe metric is R-squared.", "r2"),
    ("Submissions are evaluated on the Pearson correlation coefficient between the predicted and actual scores.", "pearson"),
    ("Submissions are scored on Spearman's rank correlation.", "spearman"),
    ("Submissions are evaluated using the pinball loss at the 0.9 quantile.", "pinball@0.9"),
    ("The metric is the quantile loss for the 95th percentile.", "pinball@0.95"),
    # several targets
    ("The AUC is calculated for each of the seven defect categories; the score is the average of those seven AUCs.", "mean_auc"),
    ("Submissions are now evaluated on the mean column-wise ROC AUC. In other words, the score is the average of the "
     "individual AUCs of each predicted column.", "mean_auc"),
    ("Submissions are evaluated on area under the ROC curve. To calculate the final score, AUC is calculated for each of "
     "the 11 labels, then averaged.", "mean_auc"),
    ("Submissions are scored using MCRMSE, mean columnwise root mean squared error:", "mean_rmse"),
    ("Submissions are evaluated on the mean column-wise root mean squared error.", "mean_rmse"),
    ("Submissions are evaluated on the mean column-wise root mean squared logarithmic error.", "mean_rmsle"),
    ("Submissions are evaluated using the column-wise root mean squared logarithmic error.", "mean_rmsle"),
    ("We score by the MAE, averaged over the three targets.", "mean_mae"),
    ("Submissions are scored by the average of the log loss across all 206 target columns.", "mean_logloss"),
    ("Submissions are evaluated on the mean column-wise Spearman's correlation coefficient. The Spearman's rank "
     "correlation is computed for each target column, and the mean of these values is the score.", "mean_spearman"),
    # rankings
    ("Submissions are evaluated according to the Mean Average Precision at 3 (MAP@3).", "map@3"),
    ("## Evaluation\nSubmissions are evaluated by MAP@5. You may predict up to 5 labels.", "map@5"),
    ("Submissions are evaluated according to the Mean Average Precision @ 12 (MAP@12).", "map@12"),
    ("The score is MAP@K with K = 7.", "map@7"),
    # several metrics in one text
    ("Submissions are evaluated on MAE. Unlike RMSE, it does not punish large errors more.", "mae"),
    ("Compared to the Mean Absolute Error, RMSE punishes large errors: submissions are scored on it.", "rmse"),
    ("Submissions are not scored by accuracy but by balanced accuracy.", "balanced_accuracy"),
    ("Improve the accuracy of demand forecasts.\n\n### Evaluation\nSubmissions are scored on the root mean squared error.", "rmse"),
    ("The baseline reaches an RMSE of 12.1.\n\n## Evaluation\n\nMean absolute error.", "mae"),
    ("A logistic regression with log loss 0.4 is given as a benchmark notebook. Submissions are evaluated on AUC.", "auc"),
    ("Last year's edition was scored by AUC. This year, submissions are evaluated by log loss.", "logloss"),
    ("## Evaluation\nSubmissions are ranked by F1. Ties are broken by accuracy.", "f1"),
    # markup
    ("## **Evaluation**\n\nSubmissions are evaluated using the **AUC ROC** of each row.", "auc"),
    ("<h2>Evaluation</h2><p>The evaluation metric is <b>RMSLE</b>.</p>", "rmsle"),
    ("# Evaluation Metric\n\n- **Metric**: `mean_absolute_error`\n- lower is better", "mae"),
    ("**Evaluation**\n\n[Quadratic Weighted Kappa](https://en.wikipedia.org/wiki/Cohen%27s_kappa) measures agreement.", "qwk"),
    ("### Goal\nPredict sales.\n### Metric\nRoot Mean Squared Error\n### Submission File\nFor each ID, predict.", "rmse"),
    # formulas
    ("## Evaluation\n$$\\textrm{RMSE} = \\sqrt{\\frac{1}{n}\\sum_{i=1}^n (y_i - \\hat{y}_i)^2}$$", "rmse"),
    ("The score is\n\n$$\\sqrt{\\frac{1}{n}\\sum_{i=1}^n (\\log(p_i+1) - \\log(a_i+1))^2}$$", "rmsle"),
    ("Your score:\n\n$$\\frac{1}{n}\\sum_{i=1}^n |y_i - \\hat{y}_i|$$", "mae"),
    ("Evaluation:\n\n$$-\\frac{1}{N}\\sum_{i=1}^N\\sum_{j=1}^M y_{ij}\\log(p_{ij})$$", "mlogloss"),
    ("The score is $$1 - \\frac{\\sum_i (y_i-\\hat{y}_i)^2}{\\sum_i (y_i-\\bar{y})^2}$$", "r2"),
    ("Scored by $$\\frac{100}{n}\\sum \\frac{|F_t-A_t|}{(|A_t|+|F_t|)/2}$$", "smape"),
    ("Scored by $$\\frac{1}{3}\\sum_{j=1}^{3}\\sqrt{\\frac{1}{n}\\sum_{i=1}^n (y_{ij}-\\hat{y}_{ij})^2}$$", "mean_rmse"),
    # as real competitions put it
    ("Submissions are evaluated on the column-wise [root mean squared logarithmic error](https://www.kaggle.com/wiki/X).\n\n"
     "The RMSLE for a single column calculated as\n\n$\\sqrt{\\frac{1}{n}\\sum(\\log{(p_i + 1)} - \\log{(a_i+1)})^2}$", "mean_rmsle"),
    ("Submissions are evaluated on Mean Absolute Error between the predicted log error and the actual log error.", "mae"),
    ("Submissions will be evaluated based on MPA@3. Each submission can make up to 3 predictions.", "map@3"),
    ("Submissions are evaluated on [micro-averaged F1-Score](https://scikit-learn.org/) between pvalues and avalues.", "micro_f1"),
    ("The competition will be scored as the mean absolute error between the predicted and actual pressures.", "mae"),
    ("#### Root Mean Squared Error (RMSE)\n\nSubmissions are scored on it, where y hat is the natural log of the revenue.", "rmse"),
    ("The winner is the team with the highest AUC on the private test set.", "auc"),
    ("Your model should minimize RMSE on the private leaderboard.", "rmse"),
    ("score = 100 * metrics.f1_score(actual, predicted, average='macro')", "macro_f1"),
    ("Evaluation: max(0, 100 - RMSLE(actual, predicted))", "rmsle"),
    ("The quality of submissions will be evaluated using the mean squared error metric.", "mse"),
    ("Predictions are evaluated by Spearman’s ρ.", "spearman"),
    ("Submissions will be scored on the average Pearson correlation across targets.", "mean_pearson"),
    ("| Metric | RMSLE |\n|---|---|", "rmsle"),
    ("Note that accuracy is not the metric here. We evaluate with AUC.", "auc"),
]  # fmt: skip

SILENT = [
    "",
    "Predict the price of a house.",
    "The goal is to improve the accuracy of weather forecasts for farmers.",
    "Submissions are evaluated using the Dice coefficient.",
    "The evaluation metric is the concordance index; a benchmark reports RMSE 3.",
    "Submissions are evaluated using mean average precision.",
    "This competition is evaluated on the F2 Score at different intersection over union (IoU) thresholds.",
    "The metric is the mean of two measures: normalized Gini coefficient and default rate captured at 4%.",
    "Predict which map tiles are forest; f and r are columns of the table.",
]


@pytest.mark.parametrize(("text", "name"), PHRASINGS)
def test_reads_the_phrasing(text: str, name: str) -> None:
    read = read_metric(text)
    assert read is not None
    assert read[0] == name
    assert get_metric(read[0]).name == read[0]
    assert read[1]


@pytest.mark.parametrize("text", SILENT)
def test_says_nothing_rather_than_guess(text: str) -> None:
    assert read_metric(text) is None


def test_quotes_the_sentence_that_says_it() -> None:
    text = "Welcome to the contest. It lasts a month.\n\n## Evaluation\nWe score by **RMSE**. Good luck!"
    assert read_metric(text) == ("rmse", "We score by RMSE.")


@pytest.mark.parametrize(
    "other", ["Predict sales of a shop.", "The data comes from a survey of 5,000 people.", "You have three months."]
)
def test_text_around_does_not_change_what_is_read(other: str) -> None:
    for text, name in PHRASINGS:
        quoted = read_metric(f"# Welcome\n\n{other}\n\n{text}\n\n# Prizes\n\n{other}\n")
        assert (quoted or ("",))[0] == name, text


@given(st.text(max_size=300))
def test_any_text_is_read_without_failing(text: str) -> None:
    read = read_metric(text)
    assert read is None or get_metric(read[0])


def test_reads_the_competitions_that_are_at_hand() -> None:
    folders = sorted(SHARED.glob("competitions/*/task.json"))
    if not folders:
        pytest.skip("the shared competitions are not on this machine")
    expected = {path.parent.name: json.loads(path.read_text())["metric"] for path in folders}
    read = {
        path.parent.name: read_metric((path.parent / "public" / "description.md").read_text()) or ("",)
        for path in folders
    }
    assert {name: metric[0] for name, metric in read.items()} == expected
