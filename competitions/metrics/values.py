"""Metrics of predicted values: errors, their squares, logarithms and shares, correlations, quantile losses."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from medalist.competitions.metrics import best_constants as best
from medalist.competitions.metrics import functions as fn
from medalist.competitions.metrics.metric import Metric, Variant, Wording
from medalist.competitions.metrics.parametrised import Parametrised
from medalist.competitions.metrics.phrase_parts import ERROR, LOG, MEAN, OF, RMS

R2 = r"(?:r ?squared|r ?2|r ?²|r\^\{?2\}?)(?: scores?)?(?: \(r²\))?"
TYPES = ("regression", "ordinal")
_OF_LOGARITHMS = (
    r"\b(?:between|of|on|in)\b(?: the)?(?: natural)? (?:log(?:arithms?|s)?|ln|log ?1p|log transformed|logged)\b"
    r"|\blog(?:arithm)?s? of (?:the )?predict\w+[^.]{0,60}\blog(?:arithm)?s? of"
)
_QUANTILE = re.compile(
    r"(?:quantiles?|tau|alpha|\bq|τ|α)(?: level)?s?(?: of| at)? ?[=:]? ?\(?(?P<a>0?\.\d+)"
    r"|(?P<b>0?\.\d+)(?:th)? quantile"
    r"|(?P<c>\d+(?:\.\d+)?) ?(?:st|nd|rd|th|%) (?:percentile|quantile)|(?P<d>\bmedian\b)|\bat (?P<e>0?\.\d+)\b"
)


def _error(name: str, title: str, objective: str, **rest: Any) -> Metric:
    """A metric of errors of values, smaller is better; `rest`: further fields of Metric."""
    settings: dict[str, Any] = {"bounds": (0.0, float("inf")), "problem_types": TYPES}
    return Metric(name, title, greater_is_better=False, needs="value", objective=objective, **settings | rest)


def _squared(name: str, title: str, mean: str, **rest: Any) -> Metric:
    return _error(name, title, "l2", function=fn.squared_error, constant=best.mean, shape="squared", mean=mean, **rest)


def _log_squared(name: str, title: str, mean: str, **rest: Any) -> Metric:
    return _error(name, title, "log_l2", function=fn.squared_log_error, constant=best.log_mean, shape="log_squared",
                  mean=mean, **rest)  # fmt: skip


def _agreement(name: str, title: str, **rest: Any) -> Metric:
    """A correlation of values, greater is better; all constants score alike. `rest`: further fields of Metric."""
    settings: dict[str, Any] = {
        "objective": "l2", "problem_types": TYPES, "bounds": (-1.0, 1.0), "constant": best.mean, "shape": "correlation",
    }  # fmt: skip
    return Metric(name, title, greater_is_better=True, needs="value", scale_free=True, **settings | rest)


METRICS = (
    _squared("rmse", "Root mean squared error", "root", wording=Wording(
        aliases=("root_mean_squared_error", "root_mean_square_error", "rmsd"),
        phrases=(
            r"\b(?:mc)?rmses?\b", r"\brsme\b", rf"{RMS}(?: {ERROR})?",
            rf"square root of the {MEAN} squared?(?: {ERROR})?"
        ),
        variants=(Variant("rmsle", _OF_LOGARITHMS, "after", by_formula=True),),
        formula=frozenset({"square", "root"}),
    )),
    _squared("wrmse", "Weighted root mean squared error", "root", weighted=True, wording=Wording(
        aliases=("weighted_rmse", "weighted_root_mean_squared_error"),
        phrases=(r"\bwrmse\b", rf"weighted {RMS}(?: {ERROR})?", r"weighted rmse"),
    )),
    _squared("mse", "Mean squared error", "plain", wording=Wording(
        aliases=("mean_squared_error", "mean_square_error", "l2"),
        phrases=(r"\bmses?\b", rf"{MEAN} squared? {ERROR}"),
        formula=frozenset({"square"}),
    )),
    _log_squared("rmsle", "Root mean squared logarithmic error", "root", wording=Wording(
        aliases=(
            "root_mean_squared_log_error", "root_mean_squared_logarithmic_error", "root_mean_square_log_error",
            "root_mean_square_logarithmic_error",
        ),
        phrases=(
            r"\b(?:mc)?rmsles?\b", rf"{RMS} {LOG} {ERROR}", rf"{RMS} {ERROR} of (?:the )?{LOG}s?\b", r"\blog rmse\b"
        ),
        formula=frozenset({"logarithm", "square", "root"}),
    )),
    _log_squared("wrmsle", "Weighted root mean squared logarithmic error", "root", weighted=True, wording=Wording(
        aliases=("weighted_rmsle", "nwrmsle"),
        phrases=(r"\bn?wrmsle\b", rf"weighted {RMS} {LOG} {ERROR}", r"weighted rmsle"),
    )),
    _log_squared("msle", "Mean squared logarithmic error", "plain", wording=Wording(
        aliases=("mean_squared_log_error", "mean_squared_logarithmic_error"),
        phrases=(r"\bmsle\b", rf"{MEAN} squared? {LOG} {ERROR}"),
        formula=frozenset({"logarithm", "square"}),
    )),
    _error("mae", "Mean absolute error", "l1", function=fn.absolute_error, constant=best.median, mean="plain",
           shape="absolute", wording=Wording(
        aliases=("mean_absolute_error", "mean_abs_error", "mean_absolute_deviation", "l1"),
        phrases=(r"\bmaes?\b", rf"{MEAN} absolute {ERROR}", rf"(?:{MEAN} )?\bl1 (?:{ERROR}|norm)"),
        formula=frozenset({"absolute"}),
    )),
    _error("wmae", "Weighted mean absolute error", "l1", function=fn.absolute_error, constant=best.median,
           mean="plain", shape="absolute", weighted=True, wording=Wording(
        aliases=("weighted_mae", "weighted_mean_absolute_error"),
        phrases=(r"\bwmae\b", rf"weighted {MEAN} absolute {ERROR}", r"weighted mae"),
        formula=frozenset({"absolute", "weighted"}),
    )),
    _error("medae", "Median absolute error", "l1", function=fn.median_absolute_error, constant=best.shortest_half,
           shape="absolute", wording=Wording(
        aliases=("median_absolute_error", "median_ae", "mdae"),
        phrases=(r"\bmed ?ae\b", rf"median{OF} absolute {ERROR}"),
    )),
    _error("wape", "Weighted absolute percentage error (sum of errors over sum of values)", "l1",
           function=fn.weighted_absolute_percentage_error, constant=best.median, shape="absolute", scale_free=True,
           wording=Wording(
        aliases=("wmape", "weighted_absolute_percentage_error", "weighted_mean_absolute_percentage_error"),
        phrases=(r"\bwm?ape\b", rf"weighted (?:{MEAN} )?absolute percent(?:age)? {ERROR}", r"weighted mape"),
    )),
    _error("max_error", "Largest absolute error", "l2", function=fn.max_error, constant=best.midrange, wording=Wording(
        aliases=("maximum_error", "max_absolute_error", "maximum_absolute_error"),
        phrases=(rf"\b(?:max(?:imum|imal)?|largest|worst){OF} (?:absolute )?{ERROR}",),
    )),
    _error("mape", "Mean absolute percentage error (as a share)", "mape", function=fn.absolute_percentage_error,
           constant=best.percentage_median, mean="plain", shape="relative", scale_free=True, wording=Wording(
        aliases=("mean_absolute_percentage_error", "mean_absolute_percent_error"),
        phrases=(r"\bmapes?\b", rf"{MEAN} absolute percent(?:age)? {ERROR}"),
        formula=frozenset({"absolute", "relative"}),
    )),
    _error("smape", "Symmetric mean absolute percentage error (in percent)", "log_l1", mean="plain", shape="relative",
           function=fn.symmetric_percentage_error, constant=best.symmetric_percentage, bounds=(0.0, 200.0),
           scale_free=True, wording=Wording(
        aliases=(
            "symmetric_mape", "symmetric_mean_absolute_percentage_error", "symmetric_mean_absolute_percent_error"
        ),
        phrases=(
            r"\bs ?mape\b", rf"symmetric(?:al)? {MEAN} absolute percent(?:age)? {ERROR}", r"symmetric mape"
        ),
        formula=frozenset({"absolute", "symmetric"}),
    )),
    _error("rmspe", "Root mean squared percentage error", "log_l2", function=fn.root_mean_squared_percentage_error,
           constant=best.percentage_mean, shape="relative", scale_free=True, wording=Wording(
        aliases=("root_mean_squared_percentage_error", "root_mean_square_percentage_error"),
        phrases=(r"\brmspe\b", rf"{RMS} percent(?:age)? {ERROR}"),
        formula=frozenset({"square", "root", "relative"}),
    )),
    _agreement("r2", "Coefficient of determination (R²)", function=fn.r2, bounds=(float("-inf"), 1.0),
               shape="squared", wording=Wording(
        aliases=("r_squared", "r2_score", "coefficient_of_determination", "rsquared", "r_2"),
        phrases=(r"coefficient of determination", r"\br ?squared\b", r"\br ?2\b(?: scores?)?", r"\br\^\{?2\}?|\br²"),
        formula=frozenset({"square", "explained"}),
    )),
    _agreement("zero_mean_r2", "R² about zero, weighted where rows have weights", function=fn.r2_about_zero,
               bounds=(float("-inf"), 1.0), shape="squared", weighted=True, wording=Wording(
        aliases=("weighted_zero_mean_r2", "r2_about_zero", "uncentered_r2", "weighted_zero_mean_r_squared"),
        phrases=(
            rf"(?:(?:sample )?weighted )?(?:zero mean|uncent(?:e)?red) {R2}",
        ),
    )),
    _agreement("explained_variance", "Explained variance", function=fn.explained_variance,
               bounds=(float("-inf"), 1.0), shape="squared", wording=Wording(
        aliases=("explained_variance_score", "variance_explained"),
        phrases=(
            r"explained variance(?: scores?)?", r"\bvariance explained\b",
        ),
    )),
    _agreement("pearson", "Pearson correlation", function=fn.pearson, wording=Wording(
        aliases=("pearsonr", "pearson_correlation", "pearson_correlation_coefficient", "correlation", "pcc"),
        phrases=(
            r"\bpearson(?:'?s)?(?: product moment)?(?: linear)?(?: correlations?)?(?: coefficients?)?(?: r)?\b",
        ),
        weak_phrases=(r"\bcorrelation coefficients?\b", r"\bcorrelation between (?:the )?predict\w+"),
    )),
    _agreement("kendall", "Kendall's tau (tau-b)", function=fn.kendall, wording=Wording(
        aliases=("kendalltau", "kendall_tau", "kendalls_tau", "kendall_s_tau", "kendall_rank_correlation"),
        phrases=(
            r"\bkendall(?:'?s)?(?: rank)?(?: (?:tau|τ))?(?: ?[abc]\b)?(?: rank)?(?: order)?(?: correlations?)?"
            r"(?: coefficients?)?(?: tau)?(?: (?:between|of) (?:the )?predict\w+)?",
        ),
    )),
    _agreement("spearman", "Spearman correlation", function=fn.spearman, wording=Wording(
        aliases=("spearmanr", "spearman_correlation", "rank_correlation", "spearman_rank_correlation"),
        phrases=(
            r"\bspearman(?:'?s)?(?: rho)?(?: rank)?(?: order)?(?: correlations?)?(?: coefficients?)?"
            r"(?: (?:between|of) (?:the )?predict\w+)?",
            r"rank correlation",
        ),
    )),
)  # fmt: skip


def _quantile_near(near: str, wide: str) -> float | None:
    """The quantile that a text names; None where it names none or several."""
    for text in (near, wide):
        levels = {
            0.5 if m["d"] else float(m["c"]) / 100 if m["c"] else float(m["a"] or m["b"] or m["e"])
            for m in _QUANTILE.finditer(text)
        }
        if levels:
            return levels.pop() if len(levels) == 1 else None
    return None


def _pinball(name: str, q: float) -> Metric:
    return _error(
        name, f"Pinball loss of quantile {q:g}", f"quantile:{q:g}", function=partial(fn.pinball_loss, quantile=q),
        constant=partial(best.quantile, q=q), mean="plain", shape="absolute",
    )  # fmt: skip


PARAMETRISED = (
    Parametrised(
        name="pinball", letter="q", example="pinball@0.9", requirement="a quantile between 0 and 1, as in pinball@0.9",
        fits=lambda q: 0 < q < 1,
        make=_pinball,
        spelling=r"(?:pinball|quantile)(?:_loss)?(?:_at)?[_@]*(?P<n>0?\.\d+)",
        incomplete=("pinball", "quantile", "pinball_loss", "pinball@q", "quantile_loss"),
        phrases=(r"(?:pinball|quantile)(?: loss(?:es)?| score)",),
        in_text=_quantile_near,
        several="quantile_score",
    ),
)  # fmt: skip
