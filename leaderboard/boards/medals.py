"""Kaggle's medal rules: how many ranks of a leaderboard earn which medal.

=============  ===============  ===========  ===========
teams          gold             silver       bronze
=============  ===============  ===========  ===========
0–99           top 10 %         top 20 %     top 40 %
100–249        top 10           top 20 %     top 40 %
250–999        top 10 + 0.2 %   top 50       top 100
1000 and more  top 10 + 0.2 %   top 5 %      top 10 %
=============  ===============  ===========  ===========

Shares are rounded down ("+ 0.2 %" is one gold more for every full 500 teams), so that nine teams earn no gold.
Source: https://www.kaggle.com/progression. Rounding down is also the only rounding that fits all 630 thresholds
of the 210 leaderboards that ship with this package: to the nearest misses 36 of them, rounding up 108.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Medal = Literal["gold", "silver", "bronze"]

#: Best first.
MEDALS: tuple[Medal, ...] = ("gold", "silver", "bronze")


@dataclass(frozen=True)
class MedalRanks:
    """The last rank (1 is best, inclusive) that earns each medal; 0 where no team earns it."""

    gold: int
    silver: int
    bronze: int


def medal_ranks(teams: int) -> MedalRanks:
    """The last rank that earns gold, silver and bronze among `teams` teams, by Kaggle's rules.

    Raises
    ------
    ValueError
        If `teams` is negative.
    """
    if teams < 0:
        raise ValueError(f"a leaderboard cannot have {teams} teams")
    if teams < 100:
        return MedalRanks(teams // 10, teams // 5, teams * 2 // 5)
    if teams < 250:
        return MedalRanks(10, teams // 5, teams * 2 // 5)
    if teams < 1000:
        return MedalRanks(10 + teams // 500, 50, 100)
    return MedalRanks(10 + teams // 500, teams // 20, teams // 10)
