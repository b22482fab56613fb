"""How competitions phrase metrics: patterns over lower-case text in which hyphens and underscores are spaces."""

from __future__ import annotations

import re
from dataclasses import dataclass

UNSUPPORTED = ""  # a metric that is recognised and that we do not have: better none than another one


@dataclass(frozen=True)
class Mention:
    """A metric named at `start` to `end` of a sentence; `weak` where the words often mean something else."""

    name: str
    start: int
    end: int
    weak: bool


_LOG = r"log(?:arithmic|arithm|ged|scaled)?"
_ERROR = r"(?:prediction )?(?:errors?|deviations?|differences?|loss)"
_OF = r"(?: of)?(?: the)?"
_MEAN = rf"(?:mean|average){_OF}"
_RMS = rf"(?:root (?:of )?(?:the )?(?:mean|average)|mean root)s?{_OF} squared?s?"
_SHARE = r"(?:share|percentage|percent|fraction|proportion|ratio|number|rate|%)"
_SOME = r"(?:[\w']+ ){0,6}"
_F1 = r"f ?1(?: (?:scores?|measures?|metric))?"
_LOGLOSS = rf"(?:{_LOG} ?loss(?:es)?|cross ?entropy(?: loss)?|negative log likelihood)"
_ROC = r"(?:receiver operat(?:ing|or) (?:characteristics?|curve)|roc)"
_MULTI = r"(?:multi ?class(?:es)?(?: version of)?(?: the)?|multinomial|categorical|softmax)"
_ONE = r"(?:one (?:vs\.?|versus) (?:the )?(?:rest|all)|ovr)"
_AVERAGED = r"(?: averag\w+)?"

# Canonical name → what it is called. Where spans overlap the longest counts.
_STRONG: dict[str, tuple[str, ...]] = {
    "rmsle": (r"\brmsle\b", rf"{_RMS} {_LOG} {_ERROR}", rf"{_RMS} {_ERROR} of (?:the )?{_LOG}s?\b", r"\blog rmse\b"),
    "wrmsle": (r"\bn?wrmsle\b", rf"weighted {_RMS} {_LOG} {_ERROR}", r"weighted rmsle"),
    "msle": (r"\bmsle\b", rf"{_MEAN} squared? {_LOG} {_ERROR}"),
    "rmse": (r"\brmse\b", r"\brsme\b", rf"{_RMS}(?: {_ERROR})?", rf"square root of the {_MEAN} squared?(?: {_ERROR})?"),
    "wrmse": (r"\bwrmse\b", rf"weighted {_RMS}(?: {_ERROR})?", r"weighted rmse"),
    "rmspe": (r"\brmspe\b", rf"{_RMS} percent(?:age)? {_ERROR}"),
    "mse": (r"\bmse\b", rf"{_MEAN} squared? {_ERROR}"),
    "mae": (r"\bmae\b", rf"{_MEAN} absolute {_ERROR}", rf"{_MEAN} l1 {_ERROR}"),
    "wmae": (r"\bwmae\b", rf"weighted {_MEAN} absolute {_ERROR}", r"weighted mae"),
    "medae": (r"\bmed ?ae\b", rf"median{_OF} absolute {_ERROR}"),
    "mape": (r"\bmape\b", rf"{_MEAN} absolute percent(?:age)? {_ERROR}"),
    "smape": (r"\bs ?mape\b", rf"symmetric(?:al)? {_MEAN} absolute percent(?:age)? {_ERROR}", r"symmetric mape"),
    "pinball@q": (r"(?:pinball|quantile)(?: loss(?:es)?| score)",),
    "r2": (r"coefficient of determination", r"\br ?squared\b", r"\br ?2\b(?: scores?)?", r"\br\^\{?2\}?|\br²"),
    "pearson": (r"\bpearson(?:'?s)?(?: product moment)?(?: linear)?(?: correlations?)?(?: coefficients?)?(?: r)?\b",),
    "spearman": (
        r"\bspearman(?:'?s)?(?: rho)?(?: rank)?(?: order)?(?: correlations?)?(?: coefficients?)?", r"rank correlation"
    ),
    "gini": (r"(?:normali[sz]ed )?\bgini\b(?: coefficients?| index| scores?)?",),
    "average_precision": (
        r"\bauprc\b|\bpr auc\b|\bauc pr\b", r"area under (?:the )?(?:precision recall|pr)(?: curve)?",
        r"\baverage precision(?: score)?",
    ),
    "map@k": (
        r"(?:\bm(?:ap|pa)\b|mean average precision)(?: \(map\))?(?: ?@ ?| at )(?P<k>\d+|k\b|n\b)"
        r"(?: \(map ?@ ?(?P<k2>\d+)\))?",
        r"\bmap(?P<k>\d+)\b", r"mean average precision(?: \(map\))?",
    ),
    "auc": (
        rf"area under (?:the )?(?:\w+ )?(?:{_ROC}|curve)(?: \(\w+\))?(?: curves?)?(?: \((?:roc )?auc(?: roc)?\))?",
        r"\b(?:roc )?auc(?: roc)?(?: ?s)?\b(?: scores?)?", r"\bau ?roc\b|\brocauc\b|\broc (?:score|area)\b",
    ),
    "auc_ovr": (
        rf"\b(?:{_ONE}|multi ?class)(?: [\w ]{{0,30}})? (?:roc )?auc(?: roc)?\b",
        rf"\bauc(?: roc)?(?: scores?)?,? \(?{_ONE}\b",
    ),
    "logloss": (rf"(?:(?:binary|mean|average) )?\b{_LOGLOSS}",),
    "mlogloss": (
        rf"{_MULTI} {_LOGLOSS}", r"\bmc ?log ?loss\b|\bmulti ?log ?loss\b",
        rf"{_LOGLOSS} (?:for|over|of) (?:all |the |multiple |several )*classes",
    ),
    "balanced_logloss": (
        rf"(?:class )?balanced (?:{_MULTI} )?{_LOGLOSS}", rf"(?:class )?weighted (?:{_MULTI} )?{_LOGLOSS}"
    ),
    "brier": (r"\bbrier(?:'?s)?(?: scores?| loss)?",),
    "qwk": (
        r"quadratic(?:ally)? (?:weighted )?(?:cohen'?s? )?kappa", r"\bqwk\b",
        r"(?:quadratic(?:ally)? )?weighted (?:cohen'?s? )?kappa", r"kappa (?:score |statistic )?with quadratic weights",
    ),
    "mcc": (r"matthew'?s?'? correlation(?: coefficients?)?", r"\bmcc\b", r"\bphi coefficient\b"),
    "f1": (rf"(?:\bmean )?\b{_F1}", r"\bf scores?\b|\bf measures?\b|\bmean ?f ?scores?\b"),
    "macro_f1": (
        rf"\bmacro{_AVERAGED} (?:mean )?{_F1}", rf"{_F1},? \(?(?:with )?(?:the )?macro\b{_AVERAGED}", r"\bmacro f\b"
    ),
    "micro_f1": (rf"\bmicro{_AVERAGED} (?:mean )?{_F1}", rf"{_F1},? \(?(?:with )?(?:the )?micro\b{_AVERAGED}"),
    "weighted_f1": (
        rf"\bweighted{_AVERAGED} (?:mean )?{_F1}", rf"{_F1},? \(?(?:with )?(?:the )?weighted\b{_AVERAGED}"
    ),
    "fbeta@b": (r"\bf(?: beta)? ?(?P<b>0\.5|2|3)(?: scores?| measures?)", r"\bf ?beta(?: scores?| measures?)?"),
    "balanced_accuracy": (
        r"(?:class )?balanced (?:classification )?accuracy", rf"\bmacro{_AVERAGED} recall",
        r"\bmean (?:per )?class (?:accuracy|recall)",
        rf"{_MEAN} recalls? (?:over|of|for) (?:each|all|the) class(?:es)?",
    ),
    "accuracy": (
        r"(?:classification|categori[sz]ation|prediction|multi ?class|overall|categorical)(?: classification)? accuracy"
        r"(?: score| rate)?", r"\baccuracy (?:score|rate|metric)\b",
        r"\bcorrect classification rate|\bpercent correct\b",
        rf"\b{_SHARE} of {_SOME}(?:predicted|classified|labell?ed|identified|guessed) (?:correctly|right)",
        rf"\b{_SHARE} of {_SOME}(?:correctly|rightly|accurately) [a-z]+",
        rf"\b{_SHARE} of {_SOME}correct (?:predictions|answers|labels|classifications|guesses)",
        rf"\b{_SHARE} (?:of {_SOME})?(?:that )?(?:are|is|were) (?:predicted |classified )?correct(?:ly)?",
    ),
    "error_rate": (
        r"\bmis ?classification (?:error(?: rate)?|rate)", r"\bclassification error(?: rate)?",
        rf"\b{_SHARE} of {_SOME}(?:misclassified|incorrect(?:ly)?)(?: \w+)?",
    ),
    UNSUPPORTED: (
        r"\bdice\b(?: coefficients?| scores?)?", r"\bjaccard\b", r"intersection over union|\biou\b", r"\bwrmsse\b",
        r"levenshtein|\bedit distance", r"\bcrps\b|continuous ranked probability", r"concordance index|\bc index\b",
        r"\bn?dcg\b", r"\bbleu\b|\brouge\b|\bperplexity\b", r"hausdorff", r"laplace log likelihood", r"word error rate",
        r"\bcohen'?s? kappa\b", r"hamming loss", r"sharpe ratio", r"\bpartial auc\b|\bpauc\b",
        r"log of the mean absolute error", r"kullback leibler|\bkl divergence", r"\bexact match\b",
        r"\b(?:mean|average|sum|combination) of (?:two|three|several) (?:measures|metrics|scores)\b",
    ),
}  # fmt: skip
_WEAK: dict[str, tuple[str, ...]] = {
    "accuracy": (r"\baccuracy\b",),
    "pearson": (r"\bcorrelation coefficients?\b", r"\bcorrelation between (?:the )?predict\w+"),
}
_COMPILED = tuple(
    (name, re.compile(pattern), weak)
    for table, weak in ((_STRONG, False), (_WEAK, True))
    for name, patterns in table.items()
    for pattern in patterns
)

_NEGATED_BEFORE = re.compile(
    r"(?:n't\b|\b(?:unlike|instead of|rather than|in contrast (?:to|with)|(?:as )?opposed to|contrary to|than|whereas"
    r"|except|without|compar(?:ed|ison|able) (?:to|with)|not(?! only)|never|neither|nor|no longer|replac(?:es|ed|ing)"
    r"|just like|as with|differ(?:s|ent)? from|similar(?:ly)? to|related to|formerly|previously|used to be"
    r"|moved from|switched from)\b)(?:(?!\bbut\b)[^,;.])*$"
)
_NEGATED_AFTER = re.compile(
    r"^[^,;.]{0,12}\b(?:is|was|are|were|will|would|does|do|did)(?: not\b|n't\b)"
    r"|^ (?:is|was) (?:only |just )?(?:used )?for (?:reference|information|illustration)"
    r"|^ (?:was|were) used (?:in|last|for) "
)


def find_mentions(text: str) -> list[Mention]:
    """Metrics named in a sentence as `lowered` gives it, negated ones left out, in their order."""
    found = [
        Mention(_named(name, match), match.start(), match.end(), weak)
        for name, pattern, weak in _COMPILED
        for match in pattern.finditer(text)
    ]
    kept: list[Mention] = []
    for mention in sorted(found, key=lambda m: (m.start - m.end, m.weak)):
        if all(mention.end <= other.start or mention.start >= other.end for other in kept):
            kept.append(mention)
    return [m for m in sorted(kept, key=lambda m: m.start) if not is_negated(text, m)]


def is_negated(text: str, mention: Mention) -> bool:
    """Whether a sentence says that this is not the metric ("unlike RMSE", "accuracy is not used")."""
    before, after = text[: mention.start], text[mention.end :]
    return bool(_NEGATED_BEFORE.search(before[-90:]) or _NEGATED_AFTER.search(after))


def _named(name: str, match: re.Match[str]) -> str:
    groups = {key: value for key, value in match.groupdict().items() if value}
    if name == "map@k":
        k = groups.get("k", "")
        k = k if k.isdigit() else groups.get("k2", "")
        return f"map@{int(k)}" if k else name
    if name == "fbeta@b" and "b" in groups:
        return f"fbeta@{float(groups['b']):g}"
    return name
