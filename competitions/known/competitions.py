"""Finds a competition that is known by the name of its folder or zip: its metric, and what is known of its leaderboard.

The table `competitions.csv`: "competition", as in its address on Kaggle; "metric", what the scores on its leaderboard
are (medalist's name of the metric, or a title where medalist does not have it), and whether "higher" or "lower" is
"better"; "evaluation", the organiser's metric where that is another one; "names", its title and usual short names; and
"columns", those of its sample submission where a name is so general that other data may bear it ("|" between entries).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

_ENDINGS = re.compile(  # of names that people and their tools give to copies
    r"(?:\s*\(\d+\)|\s\d|[\s_-]+copy(?:[\s_-]*\(?\d+\)?)?|\.(?:zip|tar|gz|tgz|7z|csv)"
    r"|[\s_.-]+(?:data|dataset|competition|files|kaggle|public|raw|input|main|master|kernels[\s_-]only))$"
)
_BEGINNINGS = re.compile(r"^(?:kaggle|copy of|competitions?)[\s_.-]+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PLAYGROUND = re.compile(
    r"(?:playground(?:[\s_-]*series)?|ps)?[\s_,-]*s(?:eason)?[\s_-]*0?(\d)[\s_,-]*e(?:p|pisode)?[\s_-]*0?([1-9]\d?)"
)
_TABULAR = re.compile(
    rf"(?:tabular[\s_-]*playground(?:[\s_-]*series)?|tps)[\s_,-]*({'|'.join(_MONTHS)})[a-z]*[\s_,-]*(?:20)?(\d\d)"
)

#: Kinds of data that a competition is about.
KINDS = ("tabular", "text", "image", "audio", "video", "signal")

#: What is known to be wrong with a leaderboard: it never closes and keeps the teams of two months; the answers are
#: public; the list that is shipped is cut.
FAULTS = ("rolling", "public answers", "cut")


@dataclass(frozen=True)
class KnownCompetition:
    """A competition whose metric is known.

    `slug`: as in its address. `board_metric`, `greater_is_better`: what its leaderboard counts, and the direction.
    `metric`: what its organiser scores by. Both are canonical names, or titles of metrics that medalist does not have.
    `columns`: of its sample submission, () where they need not be compared. `kind`: of its data, one of KINDS.
    `year`: in which it ended. `test_rows`, `public_share`: size of its test set, and the share that the public
    leaderboard is from. `faults`: some of FAULTS. "", None and () stand for what is not known.
    """

    slug: str
    board_metric: str
    greater_is_better: bool
    metric: str
    columns: tuple[str, ...] = ()
    kind: str = ""
    year: int | None = None
    test_rows: int | None = None
    public_share: float | None = None
    faults: tuple[str, ...] = ()


def find_known(name: str) -> KnownCompetition | None:
    """The known competition that a folder or zip of this name holds, judging by the name alone; None where none does.

    A name may be the slug ("titanic"), the title, a usual short form ("s4e2", "tps-aug-2021"), with what is added to
    copies and downloads ("titanic (1)", "kaggle-titanic-data"); letter case, blanks and hyphens do not count.
    """
    for key in _keys(name):
        found = _table().get(key)
        if found is not None:
            return found
    return None


def _keys(name: str) -> list[str]:
    """Keys of the table by which a name may be found, in order."""
    plain = unicodedata.normalize("NFKC", name).casefold().strip()
    keys: list[str] = []
    while True:
        keys += [_key(plain), _key(f"{plain}-kernels-only")]
        if series := _PLAYGROUND.fullmatch(plain):
            keys.append(_key(f"playground-series-s{series[1]}e{series[2]}"))
        if month := _TABULAR.fullmatch(plain):
            keys.append(_key(f"tabular-playground-series-{month[1]}-20{month[2]}"))
        shorter = _BEGINNINGS.sub("", _ENDINGS.sub("", plain)).strip()
        if shorter == plain:
            return list(dict.fromkeys(keys))
        plain = shorter


def _key(name: str) -> str:
    """Letters and digits of a name in lower case, with "-" between two numbers."""
    return re.sub(r"(?<!\d)[\W_]+|[\W_]+(?!\d)", "", re.sub(r"[\W_]+", "-", name.casefold()))


@cache
def _table() -> dict[str, KnownCompetition]:
    """The known competitions by the keys of their slugs and other names."""
    text = (resources.files("medalist.competitions.known") / "competitions.csv").read_text(encoding="utf-8")
    table: dict[str, KnownCompetition] = {}
    for row in csv.DictReader(text.splitlines()):
        known = KnownCompetition(
            row["competition"],
            row["metric"],
            row["better"] == "higher",
            row["evaluation"] or row["metric"],
            kind=row["kind"],
            year=int(row["year"]) if row["year"] else None,
            test_rows=int(row["test_rows"]) if row["test_rows"] else None,
            public_share=float(row["public_share"]) if row["public_share"] else None,
            faults=tuple(filter(None, row["faults"].split("|"))),
        )
        table[_key(known.slug)] = known
        columns = tuple(name for name in row["columns"].split("|") if name)
        for name in filter(None, row["names"].split("|")):
            table.setdefault(_key(name), replace(known, columns=columns))
    return table
