"""Metrics of predicted probabilities: areas under curves, log losses, the Brier score, the Gini coefficient."""

from __future__ import annotations

from typing import Any

from medalist.competitions.metrics import best_constants as best
from medalist.competitions.metrics import functions as fn
from medalist.competitions.metrics.metric import Metric, Variant, Wording
from medalist.competitions.metrics.phrase_parts import LOG_LOSS, MULTI_CLASS, ONE_VS_REST, ROC

TWO_OR_MORE = ("binary", "multiclass")
MORE_OR_TWO = ("multiclass", "binary")
_CLASSES = (
    r"multi ?class|\beach (?:possible |true )?class\b|number of (?:possible )?(?:class|categor|outcome)"
    r"|\bfor (?:each|every|all) (?:of the )?(?:\w+ )?(?:class|categor|outcome)|\bset of (?:predicted )?probabilities"
    r"|\bone (?:probability )?(?:for|per) (?:each|every) (?:class|categor)"
    r"|\bprobabilit(?:y|ies) (?:for|of) (?:each|all|every) (?:of the )?(?:\w+ )?(?:class|categor|outcome|species|label)"
    r"|\b(?:three|four|five|six|seven|eight|nine|ten|\d+) (?:possible )?(?:class(?:es)?|categories|outcomes)\b"
)
_EQUAL_CLASSES = (
    r"class(?:es)? (?:\w+ ){0,4}(?:equal|same) (?:weight|importance)"
    r"|each class is (?:roughly |about )?equally important"
    r"|(?:equal|same) (?:weight|importance) (?:to|for) (?:each|all|both|every|the)(?: \w+)? class"
    r"|weighted (?:by|so that) (?:\w+ )?class"
)
_BALANCED = Variant("balanced_logloss", _EQUAL_CLASSES, "wide")


def _area(name: str, title: str, types: tuple[str, ...], **rest: Any) -> Metric:
    """A metric of the order of rows by probability, such as an area under a curve; greater is better."""
    settings: dict[str, Any] = {"objective": "logloss", "bounds": (0.0, 1.0), "constant": best.prior}
    return Metric(name, title, greater_is_better=True, needs="probability", problem_types=types, **settings | rest)


def _loss(name: str, title: str, types: tuple[str, ...] = TWO_OR_MORE, **rest: Any) -> Metric:
    """A loss of probabilities, as a metric; smaller is better."""
    settings: dict[str, Any] = {"objective": "logloss", "bounds": (0.0, float("inf")), "constant": best.prior}
    return Metric(name, title, greater_is_better=False, needs="probability", problem_types=types, **settings | rest)


METRICS = (
    _area("auc", "Area under the ROC curve", TWO_OR_MORE, function=fn.auc, shape="roc",
          by_type={"multiclass": "auc_ovr"}, wording=Wording(
        aliases=(
            "roc_auc", "auc_roc", "auroc", "rocauc", "roc_auc_score", "auc_score", "area_under_the_roc_curve",
            "area_under_roc_curve", "area_under_curve", "area_under_receiver_operating_characteristic_curve",
            "area_under_the_curve",
        ),
        phrases=(
            rf"area under (?:the )?(?:\w+ )?(?:{ROC}|curve)(?: \(\w+\))?(?: curves?)?(?: \((?:roc )?auc(?: roc)?\))?",
            r"\b(?:roc )?auc(?: roc)?(?: ?s)?\b(?: scores?)?", r"\bau ?roc\b|\brocauc\b|\broc (?:score|area)\b",
        ),
        variants=(Variant("auc_ovr", r"\b(?:one vs|ovr|one versus|multi ?class)\b", "near"),),
    )),
    _area("auc_ovr", "Area under the ROC curve, one-vs-rest", MORE_OR_TWO, function=fn.auc, shape="roc",
          by_type={"binary": "auc"}, wording=Wording(
        aliases=("roc_auc_ovr", "auc_one_vs_rest", "multiclass_auc", "macro_auc"),
        phrases=(
            rf"\b(?:{ONE_VS_REST}|multi ?class)(?: [\w ]{{0,30}})? (?:roc )?auc(?: roc)?\b",
            rf"\bauc(?: roc)?(?: scores?)?,? \(?{ONE_VS_REST}\b",
        ),
        columns=False,
    )),
    _area("average_precision", "Average precision (area under precision and recall)", ("binary",),
          function=fn.average_precision, shape="precision_recall", wording=Wording(
        aliases=("ap", "pr_auc", "auc_pr", "average_precision_score", "auprc"),
        phrases=(
            r"\bauprc\b|\bpr auc\b|\bauc pr\b", r"area under (?:the )?(?:precision recall|pr)(?: curve)?",
            r"\baverage precision(?: score)?",
        ),
    )),
    _loss("logloss", "Log loss", function=fn.log_loss, mean="plain", shape="log_loss",
          by_type={"multiclass": "mlogloss"}, wording=Wording(
        aliases=(
            "log_loss", "binary_logloss", "binary_log_loss", "logarithmic_loss", "cross_entropy",
            "binary_cross_entropy", "binary_crossentropy", "binary_logarithmic_loss", "ll",
        ),
        phrases=(rf"(?:(?:binary|mean|average) )?\b{LOG_LOSS}",),
        variants=(_BALANCED, Variant("mlogloss", _CLASSES, "wide", unless_columns=True)),
        formula=frozenset({"logarithm"}),
    )),
    _loss("mlogloss", "Multiclass log loss", MORE_OR_TWO, function=fn.log_loss, mean="plain", shape="log_loss",
          by_type={"binary": "logloss"}, wording=Wording(
        aliases=(
            "multi_logloss", "multiclass_loss", "multiclass_logloss", "multiclass_log_loss", "multi_class_log_loss",
            "multi_class_logloss", "categorical_crossentropy", "multiclass_logarithmic_loss",
            "multi_class_logarithmic_loss", "categorical_cross_entropy",
        ),
        phrases=(
            rf"{MULTI_CLASS} {LOG_LOSS}", r"\bmc ?log ?loss\b|\bmulti ?log ?loss\b",
            rf"{LOG_LOSS} (?:for|over|of) (?:all |the |multiple |several )*classes",
        ),
        variants=(_BALANCED,),
        columns=False,
        formula=frozenset({"logarithm", "classes"}),
    )),
    _loss("balanced_logloss", "Class-balanced log loss", function=fn.balanced_log_loss, constant=best.equal_prior,
          shape="balanced_log_loss", wording=Wording(
        aliases=(
            "balanced_log_loss", "balanced_logarithmic_loss", "class_balanced_log_loss", "class_balanced_logloss",
            "weighted_log_loss", "weighted_logloss",
        ),
        phrases=(
            rf"(?:class )?balanced (?:{MULTI_CLASS} )?{LOG_LOSS}", rf"(?:class )?weighted (?:{MULTI_CLASS} )?{LOG_LOSS}"
        ),
        columns=False,
    )),
    _loss("brier", "Brier score", function=fn.brier_loss, mean="plain", bounds=(0.0, 2.0), shape="proper",
          wording=Wording(
        aliases=("brier_score", "brier_loss", "brier_score_loss"),
        phrases=(r"\bbrier(?:'?s)?(?: scores?| loss)?",),
    )),
    _area("gini", "Normalised Gini coefficient", ("binary", "regression"), objective="l2", bounds=(-1.0, 1.0),
          function=fn.gini, constant=best.mean, shape="roc", scale_free=True, wording=Wording(
        aliases=(
            "normalized_gini", "normalised_gini", "gini_coefficient", "gini_index", "normalized_gini_coefficient",
            "normalised_gini_coefficient",
        ),
        phrases=(r"(?:normali[sz]ed )?\bgini\b(?: coefficients?| index| scores?)?",),
    )),
)  # fmt: skip
