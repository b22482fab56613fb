"""What names and texts say about a transformation: log_price, price_per_sqm, "the natural logarithm of … plus one"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from medalist.competitions.task.legend import name_words, same_word

_LOG = (
    r"\b(?:ln|log(?:arithm(?:s|us|e)?|aritmo|s|ged|e)?|log[ _-]?1p|log[ _-]?10|log[ _-]?2)\b"
    r"(?!\W{0,2}(?:loss|errors?|likelihood|odds|files?|book|rmse|mse|mae|normal|linear|in\b))"
)
_PLUS_ONE = re.compile(
    r"\bplus (?:one|1|eins|un)\b|\bmás uno\b"
    r"|\+\s*1\b|\b1\s*\+|\bone plus\b|log[ _-]?1p|\badd(?:ing|ed)? (?:one|1)\b",
    re.IGNORECASE,
)
_TEN = re.compile(r"log[ _-]?10|\bbase[ -]?(?:10|ten)\b|\bdecimal log|\bcommon log|log_?\{10\}|₁₀", re.I)
_TWO = re.compile(r"log[ _-]?2\b|\bbase[ -]?(?:2|two)\b|\bbinary log|log_?\{2\}|₂", re.I)
_ASKING = (
    r"(?:\b(?:predict|submit|provide|report|give|estimate|forecast|return|enter|hand(?: \w+)? in)\b"
    r"|\b(?:predictions|submissions|forecasts|answers|submitted values)\s+"
    r"(?:must|should|shall|have to|need to|are to)\s+(?:be|hold|contain)\b"
    r"|\b(?:abzugeben|anzugeben|vorherzusagen|einzureichen|gesucht|on demande|prédire|soumettre|predecir|enviar)\b)"
)
_JUDGING = re.compile(
    r"\bbetween\b|\bfehlers?\b|\babweichung|\berreurs?\b|\bécarts?\b|\berrors?\b|\bdifference|\brmse\b|\brmsle\b|\bmse\b"
    r"|\bdeviation|\bevaluat|\bscore",
    re.IGNORECASE,
)
_NOT_THESE = {"loss", "odds", "likelihood", "prob", "probability", "logit"}
_SCALES = {"thousand": 1e3, "thousands": 1e3, "k": 1e3, "million": 1e6, "millions": 1e6, "mln": 1e6, "mio": 1e6}
MULTIPLES = {"hundred", "hundreds", *_SCALES}  # words of a number before a unit
_UNITS = (
    {"sqm", "m2", "qm", "square", "area", "surface", "size", "sqft", "ft2", "sq", "living", "floor"},
    {"person", "capita", "head", "people", "persons", "population", "inhabitants", "guests", "guest", "inhabitant"},
    {"km", "kilometre", "kilometer", "mile", "distance", "miles"},
    {"hour", "hours", "h", "hrs", "duration", "time", "minute", "minutes", "min"},
    {"day", "days", "night", "nights"},
    {"unit", "item", "piece", "quantity", "qty", "units", "items", "pieces", "amount", "count"},
    {"kg", "kilo", "weight", "kilogram", "mass", "ton", "tonne"},
    {"litre", "liter", "volume", "l", "litres", "gallon"},
    {"room", "rooms"}, {"hectare", "ha", "acre", "area", "acres"},
)  # fmt: skip


@dataclass(frozen=True)
class NameEvidence:
    """What the name of a sample's column says beyond the name of the target.

    `kinds`: of "log", "log1p", "log10", "log2", "sqrt", "cbrt", "negative", "exp", "unlog", "square", "rank",
    "percent", "fraction", "per", "minus", "scale". `unit`: the words after "per". `scale`: of "thousands" and the like.
    """

    kinds: frozenset[str] = frozenset()
    unit: tuple[str, ...] = ()
    scale: float = 1.0


_WORDS = {
    "log": "log", "ln": "log", "logarithm": "log", "logged": "log", "logs": "log", "loge": "log", "log1p": "log1p",
    "ln1p": "log1p", "log10": "log10", "lg": "log10", "log2": "log2", "sqrt": "sqrt", "cbrt": "cbrt",
    "negative": "negative",
    "neg": "negative", "negated": "negative", "exp": "exp", "rank": "rank", "ranking": "rank", "percentile": "rank",
    "pct": "percent", "percent": "percent", "percentage": "percent", "fraction": "fraction", "share": "fraction",
    "ratio": "fraction", "proportion": "fraction", "change": "minus", "diff": "minus", "difference": "minus",
    "delta": "minus", "increase": "minus", "gain": "minus", "growth": "minus", "increment": "minus",
}  # fmt: skip


def name_evidence(asked: str, target: str) -> NameEvidence:
    """What the name of the column `asked` says beyond that of the target; nothing where they are named alike."""
    words, own = name_words(asked), name_words(target)
    if words == own:
        return NameEvidence()
    joined = "".join(own)
    extra = [part for word in words for part in _parted(word, own, joined)]
    for word in own:
        if word in extra:
            extra.remove(word)
    if _NOT_THESE & set(extra):
        return NameEvidence()
    kinds = {_WORDS[word] for word in extra if word in _WORDS}
    text = " ".join(extra)
    if re.search(r"\blog(?:arithm)? (?:1p|1 ?p|plus (?:1|one)|p1)\b|\blog\b.*\bplus (?:1|one)\b", text):
        kinds = (kinds - {"log"}) | {"log1p"}
    if re.search(r"\blog 10\b", text):
        kinds = (kinds - {"log"}) | {"log10"}
    if re.search(r"\broot\b", text):
        kinds.add("cbrt" if re.search(r"\bcub(?:e|ic) root\b", text) else "sqrt")
    if extra[:1] == ["minus"]:
        kinds.add("negative")
    missing = [part for word in own for part in _parted(word, words, "".join(words)) if part not in words]
    if not extra and words and set(words) < {part for word in own for part in _parted(word, words, "".join(words))}:
        undone = {_WORDS.get(word, "") for word in missing}
        kinds |= {"unlog"} if undone & {"log", "log1p", "log10", "log2"} else {"square"} if "sqrt" in undone else set()
    scale = next((_SCALES[word] for word in extra if word in _SCALES), 1.0)
    unit = tuple(extra[extra.index("per") + 1 :]) if "per" in extra else ()
    kinds |= ({"per"} if unit else set()) | ({"scale"} if scale > 1 else set())
    return NameEvidence(frozenset(kinds), unit, scale)


def without_logarithm(sentence: str, target: str) -> str:
    """The sentence with "target" for the name of a target that is called a logarithm, such as log_price, or for that in
    words; unchanged for other targets."""
    mark, *rest_of_name = name_words(target)
    if not rest_of_name or mark == "logs" or not _WORDS.get(mark, "").startswith("log"):
        return sentence
    rest = r"[ _-]?".join(map(re.escape, rest_of_name))
    of = r"(?:\s+of)?(?:\s+(?:the|predicted|actual|true|observed|and))*\s*"
    return re.sub(rf"(?<!\w)(?:{mark}|log\w*|ln)(?:[ _-]?|{of})[`\"']?{rest}(?!\w)", "target", sentence, flags=re.I)


def _parted(word: str, others: Sequence[str], joined: str) -> list[str]:
    """A word, or the mark that it begins or ends with and what is left, where that is a word of the other name."""
    for mark in ("log1p", "log10", "log2", "log", "ln", "sqrt", "cbrt", "neg", "exp"):
        rest = word.removeprefix(mark)
        if rest != word and rest and (rest in others or rest == joined):
            return [mark, rest]
        rest = word.removesuffix(mark)
        if rest != word and rest and (rest in others or rest == joined):
            return [rest, mark]
    return [word]


def named_unit(unit: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The columns that are measured in a unit, by their names: "sqm" → living_area; exact words before kindred ones."""
    wanted = [word for word in unit if word not in {"of", "the", "a"}]
    exact = [c for c in columns if all(any(same_word(w, own) for own in name_words(c)) for w in wanted)]
    if exact:
        return exact
    partly = [c for c in columns if any(any(same_word(w, own) for own in name_words(c)) for w in wanted)]
    if partly:
        return partly
    kindred = set().union(*(group for group in _UNITS if group & set(wanted)))
    return [c for c in columns if kindred & set(name_words(c))]


@dataclass(frozen=True)
class TextEvidence:
    """What a text says on logarithms and other functions of the target.

    `asks`: the function that it asks for ("log", "sqrt", "negative", …), "" for none. `plus_one`, `base`: how its
    logarithms are taken, by any sentence that speaks of them. `formula`: a difference, ratio or product of the target
    with a column, as "per area" or "minus price". `quote`: the sentence that asks. `percent`: whether it speaks of
    percent or percentiles.
    """

    asks: str = ""
    plus_one: bool = False
    base: int = 0
    formula: str = ""
    quote: str = ""
    percent: bool = False

    def of_column_named(self, asked: str, target: str) -> TextEvidence:
        """The same without the function that is asked for, where the column `asked` has the target's name and that is
        named after the function: the text describes what train holds, as of log_price."""
        if not self.asks or name_words(asked) != name_words(target):
            return self
        words = set(name_words(self.quote))
        parts = [part for word in name_words(target) for part in _parted(word, sorted(words), "")]
        bears = any(_WORDS.get(part, "").startswith(self.asks) for part in parts)
        return replace(self, asks="") if bears else self


def text_evidence(sentences: Sequence[str], asked: str, target: str, columns: Sequence[str]) -> TextEvidence:
    """What the sentences of a description say on how the column `asked` of the sample comes from the target.

    `columns`: those with which the target may be combined.
    """
    own_name = name_words(asked) != name_words(target)
    sentences = [asked, *sentences] if own_name else sentences  # a name may be a formula: log(price + 1)
    about = [s for s in sentences if re.search(_LOG, s, re.IGNORECASE)]
    plus_one = any(_PLUS_ONE.search(s) for s in about)
    base = 10 if any(_TEN.search(s) for s in about) else 2 if any(_TWO.search(s) for s in about) else 0
    asks, quote = "", ""
    for sentence in sentences:
        found = _asked_function(sentence, asked if own_name else None)
        if found:
            asks, quote = found, sentence
            break
    formula = ""
    for sentence in sentences if own_name or asks else ():
        formula = _formula(sentence, target, columns)
        if formula:
            quote = quote or sentence
            break
    percent = any(re.search(r"\bpercent|\bper cent\b|%|\b0 (?:to|and) 100\b", s, re.IGNORECASE) for s in sentences)
    return TextEvidence(asks, plus_one, base, formula, quote, percent)


_FUNCTIONS = (
    ("cbrt", r"(?:\bcub(?:e|ic) root|\bcbrt\b|∛)"),
    ("sqrt", r"(?:\bsquare root|\bsqrt\b|√)"),
    ("log", _LOG),
    ("negative", r"(?:\bnegative of\b|\bnegated\b|\bmultiplied by (?:-|−|minus )1\b|\btimes (?:-|−|minus )1\b)"),
    ("rank", r"(?:\bpercentile rank|\brank of\b|\branks?\b|\bpercentile of\b)"),
    ("exp", r"(?:\bexponential of\b|\bexp\()"),
)  # fmt: skip


_ANY_FUNCTION = re.compile(r"log|ln|sq|√|cb|cub|∛|negat|multipl|times|rank|percentile|exp", re.IGNORECASE)


def _asked_function(sentence: str, asked: str | None) -> str:
    """The function of the target that a sentence asks for: after a verb of asking, or beside the column's own name."""
    if not _ANY_FUNCTION.search(sentence):
        return ""
    for name, pattern in _FUNCTIONS:
        found = re.search(pattern, sentence, re.IGNORECASE)
        if not found:
            continue
        before = sentence[: found.start()]
        named = asked is not None and _word(asked).search(sentence) is not None
        if named and not _JUDGING.search(before):
            return name
        verb = re.search(rf"{_ASKING}(?:\s+\S+){{0,4}}\s*$", before, re.IGNORECASE)
        if verb and not _JUDGING.search(before) and not re.search(r"\brank(?:ed|ing)\b", sentence, re.IGNORECASE):
            return name
    return ""


def _word(name: str) -> re.Pattern[str]:
    """A pattern for a column's name in a text, its words parted by blanks or underscores."""
    return re.compile(rf"(?<!\w){'[ _-]?'.join(map(re.escape, name_words(name)))}(?!\w)", re.IGNORECASE)


def _formula(sentence: str, target: str, columns: Sequence[str]) -> str:
    """ "per area", "minus price" or the like where a sentence combines the target with one of the columns."""
    own = _word(target).pattern
    for column in columns:
        other = _word(column).pattern
        if not _word(column).search(sentence):
            continue
        quote, gap = "[`\"']*", r"\s*"
        for operation, words in (
            ("per", r"(?:/|÷|\bdivided by(?: the)?\b|\bover\b)"),
            ("minus", r"(?:-|−|–|\bminus(?: the)?\b|\bless\b)"),
            ("times", r"(?:\*|×|·|\btimes\b|\bmultiplied by(?: the)?\b)"),
        ):
            if re.search(rf"{own}{quote}{gap}{words}{gap}{quote}{other}", sentence, re.IGNORECASE):
                return f"{operation} {column}"
            if operation == "minus" and re.search(
                rf"{other}{quote}{gap}{words}{gap}{quote}{own}", sentence, re.IGNORECASE
            ):
                return f"negative of minus {column}"
        if re.search(rf"\bdifference (?:between|of)\b[^.]*{own}[^.]*\band\b[^.]*{other}", sentence, re.IGNORECASE):
            return f"minus {column}"
        if re.search(rf"\bchange\b[^.]*\bfrom\b[^.]*{other}[^.]*\bto\b[^.]*{own}", sentence, re.IGNORECASE):
            return f"minus {column}"
    return ""
