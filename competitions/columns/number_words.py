"""Words and signs that stand beside numbers in tables, or in their place; what a description says of their signs."""

from __future__ import annotations

import re

#: What people write where there is no value, in lower case; text of punctuation alone ("?", "-", "…") is one too.
MISSING = frozenset(
    {
        "n/a", "na", "n.a.", "n.a", "#n/a", "nan", "null", "none", "nil", "missing", "unknown", "not available",
        "not applicable", "not known", "no data", "no value", "undefined", "empty", "blank", "(blank)", "tbd", "tba",
        "unavailable", "unspecified", "not specified", "not given", "not reported", "not recorded", "not measured",
        "k.a.", "k. a.", "keine angabe", "unbekannt", "fehlt", "fehlend", "nd", "n.d.", "nc", "inconnu", "s/d",
        "non disponible", "sin datos", "desconocido", "sconosciuto", "desconhecido", "onbekend", "okänd", "ukjent",
        "ukendt", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "#wert!", "#bezug!", "#error", "error",
        "<na>", "nat",
    }
)  # fmt: skip
_PUNCTUATION = re.compile(r"[^\w\s]+")

_SIGNS = "$ € £ ¥ ₹ ₽ ₩ ₪ ₺ ₴ ₫ ₱ ฿ zł kč ft lei лв руб руб. kr kr. fr fr. sfr r$ us$ a$ c$ nz$ hk$ s$ rs rs. rp"
_CODES = (
    "usd eur gbp jpy cny rmb inr rub krw ils try uah vnd php thb pln czk huf ron bgn sek nok dkk isk chf brl cad aud "
    "nzd hkd sgd idr zar mxn ars clp cop pen aed sar egp ngn kes twd myr pkr bdt euro euros dollars"
)
CURRENCIES = frozenset(f"{_SIGNS} {_CODES}".split())
_SAME = {"$": "usd", "us$": "usd", "dollars": "usd", "€": "eur", "euro": "eur", "euros": "eur", "£": "gbp", "¥": "jpy",
         "₹": "inr", "rs": "inr", "rs.": "inr", "r$": "brl", "kr.": "kr", "fr.": "fr", "₽": "rub", "руб": "rub",
         "руб.": "rub", "zł": "pln", "kč": "czk", "rmb": "cny"}  # fmt: skip

#: Letters after a number that multiply it.
MULTIPLES = {
    "k": 1e3, "K": 1e3, "tsd": 1e3, "Tsd": 1e3, "Tsd.": 1e3, "thousand": 1e3, "m": 1e6, "M": 1e6, "mn": 1e6, "mio": 1e6,
    "Mio": 1e6, "Mio.": 1e6, "million": 1e6, "millions": 1e6, "b": 1e9, "B": 1e9, "bn": 1e9, "Mrd": 1e9, "Mrd.": 1e9,
    "billion": 1e9, "lakh": 1e5, "crore": 1e7, "Cr": 1e7,
}  # fmt: skip

#: Units of one quantity with their factors, the one that numbers are given in first.
_UNITS: tuple[dict[str, float], ...] = (
    {"kg": 1.0, "g": 1e-3, "mg": 1e-6, "t": 1e3},
    {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "km": 1e3},
    {"l": 1.0, "L": 1.0, "ml": 1e-3, "mL": 1e-3, "cl": 1e-2, "dl": 0.1},
    {"MB": 1.0, "kB": 1e-3, "KB": 1e-3, "GB": 1e3, "TB": 1e6},
    {"W": 1.0, "kW": 1e3, "MW": 1e6},
    {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    {"days": 1.0, "day": 1.0, "weeks": 7.0, "week": 7.0, "months": 30.436875, "month": 30.436875, "years": 365.2425,
     "year": 365.2425, "yrs": 365.2425, "yr": 365.2425},
)  # fmt: skip

_SIGNS_AND_PARTS = re.compile(
    r"\b(?P<comma>commas?)\b(?![- ]separated)|\b(?P<point>points?|dots?|periods?|full stops?)\b"
    r"|\b(?P<decimal>decimals?)\b|\b(?P<thousand>thousands?)\b|(?P<end>[.!?;](?=\s|$)|\n)",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"\b(?:as|for|between|before|separat\w*|marks?)\b", re.IGNORECASE)  # "commas as separators"
_COMMA_SHOWN = re.compile(r"dezimalkomma|tausenderpunkt|(?<![\d.])\d{1,3}(?:\.\d{3})+,\d+", re.IGNORECASE)
_POINT_SHOWN = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+\.\d+")
_OTHER = {",": ".", ".": ","}


def is_missing(text: str) -> bool:
    """Whether a text stands for a missing value."""
    return text.casefold() in MISSING or _PUNCTUATION.fullmatch(text) is not None or not text


def currency(text: str) -> str:
    """One name for each currency: its code or sign in lower case, "" where the text is none."""
    word = text.strip().casefold()
    return _SAME.get(word, word) if word in CURRENCIES else ""


def without_currency(text: str) -> tuple[str, str]:
    """(what is left, currency) of what stands beside a number: "Mio. €" is ("Mio.", "eur")."""
    text = text.strip()
    if found := currency(text):
        return "", found
    head, _, tail = text.rpartition(" ")
    if head and (found := currency(tail)):
        return head.strip(), found
    head, _, tail = text.partition(" ")
    if tail and (found := currency(head)):
        return tail.strip(), found
    for sign in "$€£¥₹₽₩₺":
        if text.endswith(sign) or text.startswith(sign):
            return text.strip(sign).strip(), currency(sign)
    return text, ""


def units_of(marks: set[str]) -> dict[str, float] | None:
    """Factors of several units of one quantity, None for any other marks."""
    found = next((units for units in _UNITS if marks <= set(units)), None)
    if found is None or len({found[mark] for mark in marks}) < 2:
        return None
    return None if marks <= {"day", "days", "week", "weeks"} else found  # durations, see `written_times`


def decimal_said(description: str) -> str:
    """The decimal sign that a description names: "." or ","; "" for neither, and where it names both for decimals.

    The sign that is named for thousands is not the decimal one.
    """
    named: set[str] = set()
    tokens = list(_SIGNS_AND_PARTS.finditer(description))
    for place, token in enumerate(tokens):
        part = token.lastgroup
        if part not in ("decimal", "thousand"):
            continue
        before = tokens[place - 1] if place else None
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        sign = None
        if before is not None and before.lastgroup in ("comma", "point"):
            between = description[before.end() : token.start()]
            sign = before if len(between) <= 30 and _BEFORE.search(between) else None
        if sign is None and after is not None and after.lastgroup in ("comma", "point"):
            sign = after if after.start() - token.end() <= 40 else None
        if sign is not None:
            mark = "," if sign.lastgroup == "comma" else "."
            named.add(mark if part == "decimal" else _OTHER[mark])
    return named.pop() if len(named) == 1 else ""


def decimal_shown(description: str) -> str:
    """The decimal sign of numbers such as 1.234,50 in a description: "." or ","; "" for none, and where both occur."""
    comma, point = _COMMA_SHOWN.search(description), _POINT_SHOWN.search(description)
    return "" if bool(comma) == bool(point) else "," if comma else "."
