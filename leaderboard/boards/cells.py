"""Numbers in the tables that people bring: decimal points and commas, thousands, signs and blanks of all kinds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from medalist.competitions.errors import InputError

_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00a0": "", "\u202f": "", "\u2009": "", "\u2007": "", "'": ""})
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_NUMBER = re.compile(
    r"[+-]?(\d+([.,]\d*)?|[.,]\d+|\d{1,3}([.,]\d{3})+[.,]\d*)([eE][+-]?\d+)?|[+-]?(nan|inf(inity)?)", re.I
)


def is_number(cell: str) -> bool:
    """Whether a cell is written as a number, with a decimal point or comma."""
    return bool(_NUMBER.fullmatch(_plain(cell))) or bool(_THOUSANDS.fullmatch(_plain(cell)))


def numbers(cells: Sequence[str], where: str, decimal_comma: bool | None = None) -> list[float]:
    """The numbers of a column, all read alike: a comma is a decimal comma, or separates thousands.

    Parameters
    ----------
    where
        The file, for the message of an error.
    decimal_comma
        Whether a single comma must be a decimal one; None: the cells show it.

    Raises
    ------
    InputError
        If a cell is no number, or the cells do not show what their commas are.
    """
    plain = [_plain(cell) for cell in cells]
    for cell, given in zip(plain, cells, strict=True):
        if not (_NUMBER.fullmatch(cell) or _THOUSANDS.fullmatch(cell)):
            raise InputError(f"The leaderboard {where} has {given[:40]!r} where a number is expected.")
    comma = _is_decimal(plain, where) if decimal_comma is None else decimal_comma
    return [float(cell.replace(".", "").replace(",", ".") if comma else cell.replace(",", "")) for cell in plain]


def _is_decimal(cells: Sequence[str], where: str) -> bool:
    """Whether the commas of a column are decimal ones."""
    with_comma = [cell for cell in cells if "," in cell]
    if not with_comma:
        return False
    if any(
        cell.rfind(",") > cell.rfind(".") > -1 or not _THOUSANDS.fullmatch(cell.split(".")[0]) for cell in with_comma
    ):
        return True
    if any("." in cell or cell.count(",") > 1 for cell in cells):
        return False
    raise InputError(
        f"The leaderboard {where} has {with_comma[0][:40]!r}, which may stand for thousands or for a decimal comma: "
        f"write the scores with a decimal point."
    )


def _plain(cell: str) -> str:
    """A cell with a plain minus, without blanks at its ends or between its digits."""
    return cell.strip().translate(_MINUS)
