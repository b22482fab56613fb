"""Phrases of metrics that medalist does not have, as regular expressions like `Wording.phrases`.

Where one is what a description scores by, nothing is read, so that it is not taken for a metric whose name it contains.
"""

from __future__ import annotations

_ERROR = r"(?:error|loss|deviation)s?"
_OF_ERRORS = r"(?:root )?(?:of )?(?:the )?(?:mean )?(?:squared?|absolute)"
_RELATIVE = r"(?:normali[sz]ed|relative|scaled|standardi[sz]ed)"
_WEIGHTS = r"(?:samples?|examples?|instances?|rows?)(?: wise)?(?: averag\w+)?"

#: In a sentence with the name of another metric they say how that one is meant: "F2 over thresholds of overlap".
MODIFYING = (
    r"\bdice\b(?: coefficients?| scores?)?", r"\bjaccard\b(?: index| scores?| similarity)?", r"\bwrmsse\b",
    r"intersection over union|\biou\b", r"levenshtein|\bedit distance",
    r"concordance index|\b(?:harrell'?s )?c index\b", r"\bn?dcg\b", r"\bbleu\b|\brouge\b|\bperplexity\b", r"hausdorff",
    r"laplace log likelihood", r"word error rate", r"hamming (?:loss|score|distance)", r"sharpe ratio",
    r"\bpartial auc\b|\bpauc\b|\bpartial area under\b[\w ]{0,30}", r"log of the mean absolute error",
    r"\b\w+ stability (?:metric|score|measure)\w*|\bstability of the \w+ (?:gini|auc)",
    r"\bworst (?:group|case) \w+",
    r"\b(?:sample|row|instance|example|observation)s? weighted (?!zero|r ?2|r ?squared|f ?1|rmse|mae|mean)\w+(?: \w+)?",
    r"\bweighted (?:pearson|spearman|(?:rank )?correlation|auc|area under|r ?(?:2|²|squared?|\^ ?2)\b)[\w ]{0,30}",
    r"kullback leibler|\bkl divergence", r"\bexact match\b",
    r"\b(?:mean|average|sum|combination) of (?:two|three|several) (?:measures|metrics|scores)\b",
)  # fmt: skip

#: Metrics of their own, which other metrics of the same sentence may stand beside.
FURTHER = (
    r"(?:lin'?s )?concordance correlation(?: coefficients?)?|\blin'?s ccc\b",
    rf"{_OF_ERRORS} scaled {_ERROR}|\brmsse\b|\bmase\b",
    rf"{_RELATIVE} (?:{_OF_ERRORS} {_ERROR}|(?:rmse|mse|mae)\b)|\bnrmse\b|\bnmse\b|\bnmae\b|\brrmse\b",
    r"\b(?:rmse|mse|mae|errors?),? (?:(?:is|are) )?(?:\w+ )?normali[sz]ed (?:by|with)",
    rf"median absolute percent(?:age)? {_ERROR}|\bmdape\b",
    r"adjusted r(?: ?squared|\^?2|²| 2)", r"brier skill(?: scores?)?",
    r"\btop ?(?:[2-9]|\d\d+|k|n|two|three|five|ten)(?: \w+)? (?:accuracy|error)(?: rate)?",
    r"\b(?:one (?:vs\.?|versus) one|ovo)(?: [\w ]{0,20})? auc(?: roc)?",
    r"\bauc(?: roc)?(?: scores?)?,? \(?(?:one (?:vs\.?|versus) one|ovo)\b",
    rf"\b{_WEIGHTS} f ?1(?: (?:scores?|measures?))?",
    r"(?:poisson|gamma|tweedie)(?: (?:deviance|loss|log ?likelihood))+", r"\bhuber\b(?: loss)?",
    r"\blog ?cosh\b(?: loss)?", r"kolmogorov smirnov(?: statistics?)?|\bks (?:statistic|score)s?",
    r"nash sutcliffe(?: efficiency)?|kling gupta(?: efficiency)?", r"expected calibration error",
    r"equal error rate", r"adjusted rand(?: index)?", r"mean reciprocal rank|\bmrr\b", r"\btheil'?s u\b",
    r"\byouden'?s? (?:j|index)", r"\bg mean\b|geometric mean of [\w ,]{0,30}(?:recall|sensitivity|precision)",
    r"\bhaversine(?: distance)?|\bangular error|\bcosine similarity", r"\bmean (?:bias|signed) error\b",
    r"\brecall (?:@|at) ?[\d.]+",
)  # fmt: skip
