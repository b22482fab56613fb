"""The rows of a further table that a feature's conditions leave: by their values, and by a window before each row's own
time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.conversion import texts_of
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.joins import Grouped, Join, grouped, keys_joined, table_column, table_numbers
from medalist.pipelines.features.frames.keys import Key
from medalist.pipelines.features.frames.ordering import times
from medalist.pipelines.features.language.expression import Column, Condition, Feature
from medalist.pipelines.features.lazy import np, pd

MOST_PAIRS = 20_000_000  # rows in the windows of all rows together


def join_of(frame: Frame, feature: Feature) -> Join:
    """The groups by which a feature joins its further table to the rows of the frame, without the rows of the table
    that its conditions exclude.

    With a window before each row's own time every row of the frame is a group of its own. PipelineError where the
    windows hold more than MOST_PAIRS rows together.
    """
    windows = [c for c in feature.where if isinstance(c.value, Column)]
    join = fixed_join(frame, feature)
    if not windows:
        return join
    name = (*join.name, tuple(windows))
    return frame.cached(name, lambda: _in_windows(frame, join, windows)._replace(name=name))


def fixed_join(frame: Frame, feature: Feature) -> Join:
    """The groups of equal keys, without the rows of the further table that a feature's conditions on its values
    exclude: those that do not depend on the rows of the frame."""
    join = keys_joined(frame, feature)
    fixed = tuple(c for c in feature.where if not isinstance(c.value, Column))
    if not fixed:
        return join
    name = (*join.name, fixed)

    def make() -> Join:
        holds = reduce(np.logical_and, (frame.cached(("holds", c), partial(_holds, frame, c)) for c in fixed))
        return join.only(np.flatnonzero(join.of_table(holds) & (join.other >= 0)))._replace(name=name)

    return frame.cached(name, make)


def _holds(frame: Frame, condition: Condition) -> np.ndarray:
    """(m,) whether each row of a further table meets a condition on its value; a missing one meets none."""
    column, value = condition.column, condition.value
    if isinstance(value, str):
        texts = frame.cached(("table texts", column), lambda: _texts(frame, column))
        same = texts[0].codes == texts[1].get(value, -1)
        return same if condition.mark == "=" else ~same & (texts[0].codes != texts[0].missing)
    numbers = table_numbers(frame, column)
    assert not isinstance(value, Column)
    compare = {
        "=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal
    }  # fmt: skip
    return compare[condition.mark](numbers, value) & ~np.isnan(numbers)


def _texts(frame: Frame, column: Column) -> tuple[Key, dict[str, int]]:
    """The values of a further table's column as texts: a key over its rows, and the code of each text."""
    codes, uniques = pd.factorize(pd.Series(texts_of(table_column(frame, column))))
    key = Key(np.where(codes < 0, len(uniques), codes), len(uniques) + 1, len(uniques))
    return key, {text: code for code, text in enumerate(uniques)}


def _in_windows(frame: Frame, join: Join, windows: Sequence[Condition]) -> Join:
    """A join whose groups are the rows of the frame, each with the table's rows of its key within all windows."""
    first, *others = windows
    start, end, rows = window_bounds(frame, join, first)
    lengths = end - start
    if int(lengths.sum()) > MOST_PAIRS:
        raise PipelineError(
            f"The windows of {first} hold {int(lengths.sum())} rows together: name further keys or a shorter window."
        )
    main = np.repeat(np.arange(len(join.main)), lengths)
    within = np.arange(len(main)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    taken = rows.order[np.repeat(start, lengths) + within]
    for condition in others:
        until, since = _span(frame, condition)
        at = join.of_table(table_numbers(frame, condition.column))[taken]
        keep = (at < until[main]) & (at >= since[main])
        main, taken = main[keep], taken[keep]
    taken = taken if join.rows is None else join.rows[taken]
    of_row = np.where(join.main >= 0, np.arange(len(join.main)), -1)
    return Join(of_row, main, len(join.main), taken, None)


def window_bounds(frame: Frame, join: Join, condition: Condition) -> tuple[np.ndarray, np.ndarray, Grouped]:
    """(n,) where the window of each row of the frame starts and (n,) ends among a further table's rows of its key in
    order of time, and these; it is empty where the row's key or time is missing."""
    rows = grouped(frame, join, condition.column)

    def sort() -> tuple[np.ndarray, np.ndarray]:
        values = join.of_table(table_numbers(frame, condition.column))[rows.order]
        instants = np.unique(values)
        return instants, rows.codes * (len(instants) + 1) + np.searchsorted(instants, values)

    instants, places = frame.cached(("places", join.name, condition.column), sort)
    until, since = _span(frame, condition)
    known = (join.main >= 0) & ~np.isnan(until)

    def place(time: np.ndarray) -> np.ndarray:
        of_group = np.where(known, join.main, 0) * (len(instants) + 1)
        return np.searchsorted(places, of_group + np.searchsorted(instants, np.where(known, time, 0.0)))

    start, end = place(since), place(until)
    return np.where(known, start, 0), np.where(known, end, 0), rows


def _span(frame: Frame, condition: Condition) -> tuple[np.ndarray, np.ndarray]:
    """(n,) each row's own time, in seconds for dates, and (n,) since when a condition looks back from it."""
    assert isinstance(condition.value, Column)
    own, unit = times(frame, condition.value)
    back = np.inf if condition.within is None else condition.within * unit
    return own, own - back
