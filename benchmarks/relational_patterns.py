"""Relational patterns: the target follows from further tables, as winners of such competitions aggregate them.

Tables are keyed by the rows' own id, one row of train or test having several rows there; one table has a million rows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from patterns import ROWS, Draft, Generator, labels, stamps

DAY = 86_400


def _owners(rng: np.random.Generator, mean: float, least: int = 1) -> np.ndarray:
    """(m,) the row to which each row of a further table belongs, in random order: `mean` of them for a row."""
    counts = least + rng.poisson(mean - least, ROWS)
    return rng.permutation(np.repeat(np.arange(ROWS), counts))


def _standard(values: pd.Series | np.ndarray) -> np.ndarray:
    """(n,) values with mean 0 and standard deviation 1; missing ones at the mean."""
    array = np.asarray(values, dtype=float)
    return np.nan_to_num((array - np.nanmean(array)) / np.nanstd(array))


def _chance(score: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-2.5 * score))


def _of_rows(values: np.ndarray, owner: np.ndarray, how: str) -> np.ndarray:
    """(ROWS,) an aggregate of a table's values by the row to which they belong."""
    return pd.Series(values).groupby(owner).agg(how).reindex(range(ROWS)).to_numpy()


def conditional_mean(rng: np.random.Generator) -> Draft:
    """Mean amount over the active loans, which the closed ones drown."""
    owner = _owners(rng, 8, 4)
    states = np.array(["Active", "Closed", "Sold", "Written off"], dtype=object)
    state = states[rng.choice(4, len(owner), p=[0.4, 0.4, 0.1, 0.1])]
    amount = np.round(np.where(state == "Active", rng.normal(1000, 300, len(owner)), rng.normal(1000, 900, len(owner))))
    feature = _of_rows(np.where(state == "Active", amount, np.nan), owner, "mean")
    loans = pd.DataFrame({"id": owner, "state": state, "amount": amount, "rate": np.round(rng.random(len(owner)), 3)})
    return Draft("auc", _chance(_standard(feature)), feature, tables={"loans": loans}, row_keys={"loans": "id"})


def last_by_date(rng: np.random.Generator) -> Draft:
    """The value at the latest of several visits."""
    owner = _owners(rng, 6, 2)
    day = rng.permutation(np.arange(len(owner))) % 700
    value = np.round(rng.normal(50, 10, len(owner)), 2)
    frame = pd.DataFrame({"owner": owner, "day": day, "value": value})
    frame = frame.drop_duplicates(["owner", "day"])
    last = frame.sort_values(["owner", "day"]).groupby("owner")["value"].last()
    feature = last.reindex(range(ROWS)).to_numpy()
    visits = pd.DataFrame(
        {"id": frame["owner"], "day": stamps(frame["day"].to_numpy() * DAY, "D"), "value": frame["value"]}
    )
    return Draft("rmse", 10 + 2 * _standard(feature), feature, tables={"visits": visits}, row_keys={"visits": "id"})


def trend_over_months(rng: np.random.Generator) -> Draft:
    """How fast a balance grows over the months, whatever its level."""
    owner = np.repeat(np.arange(ROWS), 8)
    month = np.tile(np.arange(-8, 0), ROWS)
    slope, level = rng.normal(0, 10, ROWS), rng.normal(500, 300, ROWS)
    balance = np.round(level[owner] + slope[owner] * month + rng.normal(0, 5, len(owner)), 1)
    centred = month + 4.5
    feature = pd.Series(centred * balance).groupby(owner).sum().to_numpy() / (centred[:8] ** 2).sum()
    order = rng.permutation(len(owner))
    table = pd.DataFrame({"id": owner, "month": month, "balance": balance}).iloc[order]
    return Draft("auc", _chance(_standard(feature)), feature, tables={"balances": table}, row_keys={"balances": "id"})


def recent_events(rng: np.random.Generator) -> Draft:
    """How many events lie in the 30 days before the row's date, of about as many for all rows."""
    asked = rng.integers(400, 700, ROWS)
    recent, older = rng.integers(0, 9, ROWS), rng.integers(8, 16, ROWS)
    older = older - recent // 2
    owner = np.concatenate([np.repeat(np.arange(ROWS), recent), np.repeat(np.arange(ROWS), older)])
    back = np.concatenate([rng.integers(1, 31, recent.sum()), rng.integers(31, 400, older.sum())])
    events = pd.DataFrame({"id": owner, "day": stamps((asked[owner] - back) * DAY, "D")})
    events["kind"] = labels(rng, rng.integers(0, 5, len(events)))
    events = events.iloc[rng.permutation(len(events))]
    return Draft("rmse", 5 + 1.0 * recent, recent.astype(float), named={"asked": stamps(asked * DAY, "D")},
                 tables={"events": events}, row_keys={"events": "id"})  # fmt: skip


def two_steps(rng: np.random.Generator) -> Draft:
    """The largest sum of payments among the loans of a row: payments belong to loans, and these to rows."""
    owner = _owners(rng, 4, 2)
    loan = rng.permutation(len(owner)) + 50_000
    of_loan = np.repeat(np.arange(len(owner)), rng.integers(1, 8, len(owner)))
    paid = np.round(rng.lognormal(3, 0.6, len(of_loan)), 2)
    sums = pd.Series(paid).groupby(of_loan).sum().to_numpy()
    feature = _of_rows(sums, owner, "max")
    loans = pd.DataFrame({"id": owner, "loan": loan, "limit": np.round(rng.normal(500, 100, len(owner)))})
    payments = pd.DataFrame({"loan": loan[of_loan], "paid": paid}).iloc[rng.permutation(len(of_loan))]
    return Draft("rmse", 20 + 4 * _standard(feature), feature, tables={"loans": loans, "payments": payments},
                 row_keys={"loans": "id"})  # fmt: skip


def named_differently(rng: np.random.Generator) -> Draft:
    """Mean of a table that calls the rows' ids otherwise."""
    owner = _owners(rng, 5, 2)
    share = np.round(rng.normal(0, 1, ROWS)[owner] + rng.normal(0, 1, len(owner)), 3)
    feature = _of_rows(share, owner, "mean")
    table = pd.DataFrame({"applicant": owner, "share": share, "channel": labels(rng, rng.integers(0, 4, len(owner)))})
    return Draft("auc", _chance(_standard(feature)), feature, tables={"history": table},
                 row_keys={"history": "applicant"})  # fmt: skip


def ratio_in_table(rng: np.random.Generator) -> Draft:
    """Mean share that was paid of what was due, over instalments whose sizes differ by orders of magnitude."""
    owner = _owners(rng, 8, 3)
    due = np.round(rng.lognormal(6, 1.5, len(owner)), 2)
    paid = np.round(due * np.clip(0.8 + rng.normal(0, 0.15, ROWS)[owner] + rng.normal(0, 0.1, len(owner)), 0, 2), 2)
    feature = _of_rows(paid / due, owner, "mean")
    table = pd.DataFrame({"id": owner, "due": due, "paid": paid, "number": rng.integers(1, 13, len(owner))})
    return Draft("auc", _chance(_standard(feature)), feature, tables={"instalments": table},
                 row_keys={"instalments": "id"})  # fmt: skip


def million_rows(rng: np.random.Generator) -> Draft:
    """Sum of what was bought of one kind in the last 90 days, in a table of a million rows."""
    owner = rng.permutation(np.arange(1_000_000) % ROWS)
    days = -rng.integers(1, 700, len(owner))
    kinds = np.array(["food", "fuel", "travel", "rent", "other", "cash"], dtype=object)[rng.integers(0, 6, len(owner))]
    amount = np.round(rng.lognormal(2, 0.7, len(owner)), 2)
    feature = _of_rows(np.where((kinds == "travel") & (days >= -90), amount, 0.0), owner, "sum")
    table = pd.DataFrame({"id": owner, "days": days, "kind": kinds, "amount": amount})
    for name in ("points", "branch", "discount"):
        table[name] = rng.integers(0, 40, len(owner))
    return Draft("rmse", 3 + np.log1p(feature), feature, tables={"purchases": table}, row_keys={"purchases": "id"})


RELATIONAL: dict[str, Generator] = {
    "conditional_mean": conditional_mean,
    "last_by_date": last_by_date,
    "trend_over_months": trend_over_months,
    "recent_events": recent_events,
    "two_steps": two_steps,
    "named_differently": named_differently,
    "ratio_in_table": ratio_in_table,
    "million_rows": million_rows,
}
