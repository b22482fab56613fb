"""Metrics of predicted labels: accuracy, F scores, correlation and agreement of classes."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from medalist.competitions.metrics import best_constants as best
from medalist.competitions.metrics import confusion
from medalist.competitions.metrics.functions import of_labels, of_two_labels, zero_one_loss
from medalist.competitions.metrics.metric import ConfusionScore, Metric, Variant, Wording
from medalist.competitions.metrics.parametrised import Parametrised
from medalist.competitions.metrics.phrase_parts import AVERAGED, F1, MEAN, SHARE, SOME

TYPES = ("binary", "multiclass", "ordinal")
_OVER_CLASSES = (
    r"averag\w+ (?:over|across|of) (?:all |the |each )*(?:\w+ )?class"
    r"|(?:for|of|per) (?:each|every) class[^.]{0,80}averag"
    r"|unweighted (?:mean|average)|\bper class\b|mean (?:over|across|of) (?:all |the )*class"
)
_BETA = re.compile(r"(?:beta|β) ?[=:]? ?(?P<b>\d+(?:\.\d+)?)|\bf(?P<c>0\.5|2|3)\b")


def _right_labels(name: str, title: str, greater: bool = True, **rest: Any) -> Metric:
    """A metric that is the share of right labels, or of wrong ones where smaller is better."""
    return Metric(
        name=name,
        title=title,
        greater_is_better=greater,
        needs="label",
        objective="logloss",
        problem_types=TYPES,
        bounds=(0.0, 1.0),
        function=zero_one_loss,
        constant=best.majority,
        shape="accuracy",
        mean="complement" if greater else "plain",
        confusion=confusion.accuracy,
        **rest,
    )


def _of_tables(name: str, title: str, score: ConfusionScore, **rest: Any) -> Metric:
    """A metric that is a function `score` of the confusion table of all classes."""
    settings: dict[str, Any] = {
        "objective": "logloss", "problem_types": TYPES, "bounds": (0.0, 1.0), "constant": best.majority,
        "function": partial(of_labels, score=score), "shape": "classes",
    }  # fmt: skip
    return Metric(name, title, greater_is_better=True, needs="label", confusion=score, **settings | rest)


def _f_score(name: str, title: str, beta: float = 1.0, **rest: Any) -> Metric:
    """The F score of the positive class, as a metric."""
    score = partial(confusion.f_beta, beta=beta)
    return _of_tables(
        name, title, score, function=partial(of_two_labels, score=score), problem_types=("binary",),
        constant=best.positive, positive_class=True, **rest,
    )  # fmt: skip


def _averaged_f1(kind: str) -> Wording:
    return Wording(
        aliases=(f"f1_{kind}", *(("macro_averaged_f1",) if kind == "macro" else ())),
        phrases=(
            rf"\b{kind}{AVERAGED} (?:mean )?{F1}", rf"{F1},? \(?(?:with )?(?:the )?{kind}\b{AVERAGED}",
            *((r"\bmacro f\b",) if kind == "macro" else ()),
        ),
        columns=False,
    )  # fmt: skip


METRICS = (
    _right_labels("accuracy", "Accuracy", wording=Wording(
        aliases=("acc", "accuracy_score", "categorization_accuracy", "classification_accuracy"),
        phrases=(
            r"(?:classification|categori[sz]ation|prediction|multi ?class|overall|categorical)(?: classification)?"
            r" accuracy(?: score| rate)?", r"\baccuracy (?:score|rate|metric)\b",
            r"\bcorrect classification rate|\bpercent correct\b",
            rf"\b{SHARE} of {SOME}(?:predicted|classified|labell?ed|identified|guessed) (?:correctly|right)",
            rf"\b{SHARE} of {SOME}(?:correctly|rightly|accurately) [a-z]+",
            rf"\b{SHARE} of {SOME}correct (?:predictions|answers|labels|classifications|guesses)",
            rf"\b{SHARE} (?:of {SOME})?(?:that )?(?:are|is|were) (?:predicted |classified )?correct(?:ly)?",
        ),
        weak_phrases=(r"\baccuracy\b",),
        variants=(Variant("balanced_accuracy", r"balanced", "sentence"),),
        columns=False,
    )),
    _right_labels("error_rate", "Misclassification rate", greater=False, wording=Wording(
        aliases=("error", "misclassification_rate", "zero_one_loss"),
        phrases=(
            r"\bmis ?classification (?:error(?: rate)?|rate)", r"\bclassification error(?: rate)?",
            rf"\b{SHARE} of {SOME}(?:misclassified|incorrect(?:ly)?)(?: \w+)?",
        ),
        weak_phrases=(r"\berror rate\b",
        ),
    )),
    _of_tables("balanced_accuracy", "Balanced accuracy", confusion.balanced_accuracy, wording=Wording(
        aliases=("balanced_accuracy_score",),
        phrases=(
            r"(?:class )?balanced (?:classification )?accuracy", rf"\bmacro{AVERAGED} recall",
            r"\bmean (?:per )?class (?:accuracy|recall)",
            rf"{MEAN} recalls? (?:over|of|for) (?:each|all|the) class(?:es)?", r"\bunweighted average recall\b|\buar\b",
        ),
        columns=False,
    )),
    _f_score("f1", "F1 score of the positive class", wording=Wording(
        aliases=("f1_score", "binary_f1", "f1_binary", "f_score", "f_measure"),
        phrases=(rf"(?:\bmean )?\b{F1}", r"\bf scores?\b|\bf measures?\b|\bmean ?f ?scores?\b"),
        variants=(
            *(Variant(f"{kind}_f1", pattern, where)  # type: ignore[arg-type]
              for kind in ("macro", "micro", "weighted")
              for pattern, where in ((rf"\b{kind}\b", "close"), (rf"\b{kind} averag", "near"))),
            Variant("macro_f1", _OVER_CLASSES, "near"),
        ),
        columns=False,
    ), by_type={"multiclass": "macro_f1", "ordinal": "macro_f1"}),
    _of_tables("macro_f1", "Macro F1", partial(confusion.f_beta, average="macro"), wording=_averaged_f1("macro")),
    _right_labels("micro_f1", "Micro F1", wording=_averaged_f1("micro")),
    _of_tables("weighted_f1", "Weighted F1", partial(confusion.f_beta, average="weighted"),
               wording=_averaged_f1("weighted")),
    _of_tables("mcc", "Matthews correlation", confusion.matthews, bounds=(-1.0, 1.0), wording=Wording(
        aliases=("matthews", "matthews_corrcoef", "matthews_correlation", "matthews_correlation_coefficient"),
        phrases=(r"matthew'?s?'? correlation(?: coefficients?)?", r"\bmcc\b", r"\bphi coefficient\b"),
        columns=False,
    )),
    _of_tables("qwk", "Quadratic weighted kappa", confusion.quadratic_kappa, objective="ordinal", shape="ordinal",
               problem_types=("ordinal", "multiclass", "binary"), constant=best.middle_class, bounds=(-1.0, 1.0),
               wording=Wording(
        aliases=("quadratic_weighted_kappa", "weighted_kappa", "quadratic_kappa"),
        phrases=(
            r"quadratic(?:ally)? (?:weighted )?(?:cohen'?s? )?kappa", r"\bqwk\b",
            r"(?:quadratic(?:ally)? )?weighted (?:cohen'?s? )?kappa",
            r"(?:\bcohen'?s? )?kappa (?:score |statistic |coefficient )?(?:with|using) quadratic(?:ally)? weight\w*",
        ),
        columns=False,
    )),
    _of_tables("linear_kappa", "Linearly weighted kappa", confusion.linear_kappa, objective="ordinal", shape="ordinal",
               problem_types=("ordinal", "multiclass", "binary"), constant=best.middle_class, bounds=(-1.0, 1.0),
               wording=Wording(
        aliases=("linear_weighted_kappa", "linearly_weighted_kappa", "lwk"),
        phrases=(
            r"linear(?:ly)? (?:weighted )?(?:cohen'?s? )?kappa",
            r"(?:\bcohen'?s? )?kappa (?:score |statistic |coefficient )?(?:with|using) linear(?:ly)? weight\w*",
        ),
        columns=False,
    )),
    _of_tables("kappa", "Cohen's kappa", confusion.kappa, bounds=(-1.0, 1.0), wording=Wording(
        aliases=("cohen_kappa", "cohens_kappa", "cohen_kappa_score"),
        phrases=(r"\bcohen'?s? kappa\b(?: scores?| statistics?| coefficients?)?",
                 r"\bkappa (?:score|statistic|coefficient)s?"),
        columns=False,
    )),
)  # fmt: skip


def _beta_near(near: str, wide: str) -> float | None:
    match = _BETA.search(near) or _BETA.search(wide)
    return float(match["b"] or match["c"]) if match else None


def _f_beta(name: str, beta: float) -> Metric:
    return _f_score(name, f"F{beta:g} score of the positive class", beta)


PARAMETRISED = (
    Parametrised(
        name="fbeta", letter="b", example="fbeta@2", requirement="a number above 0, as in fbeta@2",
        fits=lambda beta: 0 < beta < float("inf"),
        make=_f_beta,
        spelling=r"f_?beta(?:_score)?[_@]*(?P<n>\d*\.?\d+)|f(?P<n2>2|0\.5)(?:_score)?",
        incomplete=("fbeta", "f_beta", "fbeta@b"),
        phrases=(r"\bf(?: beta)? ?(?P<n>0\.5|2|3)(?: scores?| measures?)", r"\bf ?beta(?: scores?| measures?)?"),
        in_text=_beta_near,
    ),
)  # fmt: skip
