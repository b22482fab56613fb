"""Infers which transformation of a train column is asked for, from the sample's names and values and from the text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from medalist.competitions.errors import TaskError
from medalist.competitions.metrics.reading.text import LONGEST_TEXT, split_sentences
from medalist.competitions.tables.dtypes import is_text
from medalist.competitions.task.legend import name_words
from medalist.competitions.task.transform import LOGARITHMS, OPERATIONS
from medalist.competitions.task.transform_evidence import TransformEvidence, gather
from medalist.competitions.task.transform_words import MULTIPLES, named_unit

_NEAR = 0.02  # distance of an example from the mean, in standard deviations, that is no chance
_LOG_LIKE = 30.0  # values below may be logarithms themselves: e ** 30 is 10 ** 13
_CHANGES = "(--transform or transform: in task.yaml changes it; none is the column itself)"


def infer_transform(
    train: pd.DataFrame,
    test: pd.DataFrame,
    sample: pd.DataFrame | None,
    pairs: Sequence[tuple[str, str]],
    description: str,
) -> tuple[str, tuple[str, ...]]:
    """(the transformation of the targets that is asked for, "" for none; notes).

    `pairs`: (column of the sample, its target). Raises TaskError where the targets need different ones, and where a
    unit is asked for ("price_per_sqm") and the column that holds it cannot be told.
    """
    if sample is None or not pairs:
        return "", ()
    sentences = [sentence.text for sentence in split_sentences(description[:LONGEST_TEXT])]
    found: list[tuple[str, str]] = []
    for asked, target in pairs:
        if is_text(train[target]) or train[target].dtype.kind not in "iuf":
            return "", ()
        shown = sample[asked] if asked in sample else pd.Series(dtype=float)
        found.append(_decide(gather(train, test, shown, asked, target, sentences)))
    texts = {text for text, _ in found}
    if len(texts) > 1:
        listed = ", ".join(f"{asked}: {text or 'none'}" for (asked, _), (text, _) in zip(pairs, found, strict=True))
        raise TaskError(
            f"The sample asks for different transformations of the targets ({listed}), which is not supported: put "
            f"columns of the sample's names with the transformed values into the training table."
        )
    return found[0][0], tuple(dict.fromkeys(note for _, note in found if note))


def _decide(e: TransformEvidence) -> tuple[str, str]:
    """(transformation, note) of one target."""
    if len(np.unique(e.values[:2000])) < 3:
        return "", ""
    for rule in (_undone, _logarithm, _root_or_sign, _combined, _scaled, _ranked, _by_values):
        found = rule(e)
        if found is not None:
            text, why = found
            return text, why if not text else f"{why}: {_phrase(e, text)} is fitted and submitted {_CHANGES}."
    return "", ""


def _phrase(e: TransformEvidence, text: str) -> str:
    """A transformation in words."""
    return f"{e.target} {text}" if text.split()[0] in OPERATIONS else f"{text} of {e.target}"


def _because(e: TransformEvidence, kinds: Sequence[str]) -> str:
    """What asks for a transformation: the name of the sample's column, or a sentence."""
    if set(kinds) & e.in_name.kinds:
        return f"The sample asks for {e.asked}, where train has {e.target}"
    return f"The description asks for it (“{e.in_text.quote[:160]}”)"


def _logarithm(e: TransformEvidence) -> tuple[str, str] | None:
    """A logarithm, by name or text; its base and whether one is added by the text, by zeros, and by the sample."""
    named = e.in_name.kinds & {"log", "log1p", "log10", "log2"}
    said = e.in_text.asks == "log"
    if not (named or said) or "per" in e.in_name.kinds:
        return None
    if not named and e.asked == e.target and {"log", "ln", "logarithm"} & set(name_words(e.target)):
        return None  # train's column is the logarithm that the text describes
    lowest = e.values.min()
    exact = next((kind for kind in ("log1p", "log10", "log2") if kind in named), "")
    base = {10: "log10", 2: "log2"}.get(e.in_text.base, "") if exact in ("", "log1p") else exact
    plus = exact == "log1p" or e.in_text.plus_one
    if not exact and not e.in_text.base and not e.in_text.plus_one and len(e.shown):
        options = [text for text in ("log", "log1p", "log10", "log2") if e.defined(text)]
        nearest = min(options, key=e.distance, default="")
        if nearest and e.distance(nearest) < _NEAR:
            base, plus = (nearest if nearest in ("log10", "log2") else ""), nearest == "log1p"
    plus = plus or lowest <= 0
    text = (f"{base}p1" if plus else base) if base else "log1p" if plus else "log"
    if not e.defined(text):
        return "", (
            f"{_because(e, tuple(named))}, but {e.target} has values below {'-1' if plus else '0'}, which have no "
            f"logarithm: it is taken as it is (--transform or transform: in task.yaml changes it)."
        )
    if not named and not _fits(e, text):
        return "", _refuted(e, text)
    if not named and e.asked == e.target and e.values.max() < _LOG_LIKE:
        return None  # the text describes train's column, which holds logarithms
    return text, _because(e, tuple(named))


def _fits(e: TransformEvidence, text: str) -> bool:
    """Whether the sample's numbers do not speak against a transformation that the text alone asks for."""
    return not len(e.shown) or not e.within("") or e.within(text)


def _refuted(e: TransformEvidence, text: str) -> str:
    """The note where the sample's numbers are values of the target, though the text speaks of a transformation."""
    return (
        f"The description speaks of {text} (“{e.in_text.quote[:160]}”), but the sample's numbers are values of "
        f"{e.target} itself, which is submitted (--transform {text.split()[0]} changes it)."
    )


def _undone(e: TransformEvidence) -> tuple[str, str] | None:
    """The inverse of a function that train's column is named after: train has log_price, the sample asks for price."""
    because = f"The sample asks for {e.asked}, where train has {e.target}"
    if "unlog" in e.in_name.kinds:
        text = "exp10" if e.in_text.base == 10 else "expm1" if e.in_text.plus_one or e.values.min() <= 0 else "exp"
        options = [name for name in ("exp", "expm1", "exp10") if e.defined(name)]
        nearest = min(options, key=e.distance, default="")
        if nearest and e.distance(nearest) < _NEAR:
            text = nearest
        return (text, because) if e.defined(text) and e.values.max() < 50 else None
    return ("square", because) if "square" in e.in_name.kinds else None


def _root_or_sign(e: TransformEvidence) -> tuple[str, str] | None:
    """A square or cube root, a change of sign, or an exponential."""
    for kind in ("sqrt", "cbrt", "negative", "exp"):
        said = e.in_text.asks == kind
        if kind not in e.in_name.kinds and not said:
            continue
        if not e.defined(kind):
            continue
        shown = len(e.shown) > 0 and e.within(kind) and not e.within("")
        sure = said or shown or kind in ("sqrt", "cbrt") or (kind == "negative" and not len(e.shown))
        if sure and (kind in e.in_name.kinds or _fits(e, kind)):
            return kind, _because(e, (kind,))
    return None


def _combined(e: TransformEvidence) -> tuple[str, str] | None:
    """A ratio to a column of its unit, or a difference from a column, by the name, by a formula, or by the sample."""
    wanted = e.in_name.kinds & {"per", "minus"}
    outer = "log of " if "per" in wanted and "log" in e.in_name.kinds else ""
    if e.in_text.formula and (wanted or e.in_text.asks or e.asked != e.target):
        operation = e.in_text.formula.removeprefix("negative of ").split()[0]
        text = outer + e.in_text.formula
        if (operation in wanted or not wanted) and e.defined(text):
            return text, _because(e, tuple(wanted))
    if not wanted:
        return None
    if "per" in wanted:
        many = [word for word in e.in_name.unit if word != "1" and (word.isdigit() or word in MULTIPLES)]
        if many:
            unit = " ".join(word for word in e.in_name.unit if word not in many) or "rows"
            raise TaskError(
                f"The sample asks for {e.asked}, {e.target} per {many[0]} {unit}, which no transformation writes: put "
                f"a column of {unit} divided by {many[0]} into train and test, and --transform 'per' with its name."
            )
        columns = [c for c in named_unit(e.in_name.unit, e.columns) if e.defined(f"{outer}per {c}")]
        near = [c for c in columns or e.columns if e.defined(f"per {c}") and e.distance(f"{outer}per {c}") < _NEAR]
        chosen = near if len(near) == 1 else columns
        if len(chosen) == 1:
            return f"{outer}per {chosen[0]}", _because(e, ("per",))
        raise TaskError(
            f"The sample asks for {e.asked}, where train has {e.target}, and which column it is divided by cannot be "
            f"told: give --transform 'per COLUMN', or --transform none where {e.target} is meant as it is."
        )
    columns = [c for c in e.columns if e.distance(f"minus {c}") < _NEAR]
    if len(columns) == 1:
        return f"minus {columns[0]}", _because(e, ("minus",))
    return "", (
        f"The sample asks for {e.asked}, which is taken for {e.target} itself: where a difference is meant, "
        f"--transform 'minus COLUMN' (or transform: in task.yaml) says so."
    )


def _scaled(e: TransformEvidence) -> tuple[str, str] | None:
    """Percent of a share, a share of percents, or thousands."""
    low, high = float(e.values.min()), float(e.values.max())
    if (
        "scale" in e.in_name.kinds
        and high > e.in_name.scale
        and (not len(e.shown) or not e.within("") or e.within(f"per {e.in_name.scale:g}"))
    ):
        return f"per {e.in_name.scale:g}", _because(e, ("scale",))
    share, percents = low >= 0 and high <= 1, low >= 0 and 1.5 < high <= 100
    if "percent" in e.in_name.kinds and share and (not len(e.shown) or e.shown.max() > 1):
        return "times 100", _because(e, ("percent",))
    if share and e.in_text.percent and len(e.shown) and 1.5 < e.shown.max() <= 100:
        return (
            "times 100",
            f"The description speaks of percent and the sample's numbers are some, where {e.target} is a share",
        )
    if "fraction" in e.in_name.kinds and percents and (not len(e.shown) or e.shown.max() <= 1):
        return "per 100", _because(e, ("fraction",))
    return None


def _ranked(e: TransformEvidence) -> tuple[str, str] | None:
    """A rank as a share, or in percent."""
    if "rank" not in e.in_name.kinds:
        return None
    if len(e.shown) and e.shown.max() <= 1 and e.shown.min() >= 0:
        return "rank", _because(e, ("rank",))
    if "percentile" in e.asked.lower() or e.in_text.percent:
        return "percentile", _because(e, ("rank",))
    return "", (
        f"The sample asks for {e.asked}, which is taken for {e.target} itself: where its rank is meant, --transform "
        f"rank (a share) or percentile says so."
    )


def _by_values(e: TransformEvidence) -> tuple[str, str] | None:
    """A logarithm that nothing but the sample's numbers shows: outside all values of the target, at the mean of their
    logarithms."""
    if not len(e.shown) or e.values.min() <= -1 or e.shown.min() > e.values.min():
        return None
    if (e.shown >= e.values.min()).any() and (e.shown <= e.values.max()).any() and e.shown.max() >= e.values.min():
        return None
    options = [text for text in LOGARITHMS[:3] if e.defined(text) and e.within(text)]
    several = len(np.unique(e.shown[:1000])) > 10
    limit = 0.5 if several else _NEAR
    nearest = min(options, key=e.distance, default="")
    if not nearest or e.distance(nearest) > limit:
        return None
    return nearest, f"The sample's numbers lie outside all values of {e.target}, at the mean of their logarithms"
