"""What is wrong with a leaderboard: from its figures, and from what is known of its competition.

A fault that figures show is named by what they show. The limits below were chosen on the 210 boards that are shipped:
see docs/decisions/2026-11-30-faults-of-leaderboards.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from medalist.competitions.known.competitions import KnownCompetition
from medalist.leaderboard.boards.board import Board, position
from medalist.leaderboard.boards.medals import MEDALS, Medal, medal_ranks

#: A perfect top is leaked where the way down from it is at least this share of the way from there to the middle.
LEAKED_GAP = 0.4
#: The best team is set apart where it is so many times as far from the next percentile as that is from the middle.
APART = 1.5
#: Fewer teams show no shape.
LEAST_TEAMS = 100
#: Kinds of data that no table holds, in words.
_KINDS = {"image": "images", "audio": "sounds", "video": "videos", "signal": "recorded signals", "text": "texts"}


@dataclass(frozen=True)
class LeakedTop:
    """Perfect scores far above the field.

    `perfect`: how many teams have one, at least. `limit`: better scores are taken for copied, halfway between a perfect
    score and the field. `field`: the best known score of the field, and its `percentile`.
    """

    perfect: int
    limit: float
    field: float
    percentile: int


def find_faults(board: Board, known: KnownCompetition | None, *, is_own: bool, shadowed: Board | None = None) -> Board:
    """The board with its `faults`, `cautions`, `leaked_from` and `kind`.

    Parameters
    ----------
    known
        What is known of its competition; None where nothing is.
    is_own
        Whether a person has added the board: how the shipped ones were cut does not concern it.
    shadowed
        The shipped board that this one, which a person has added, stands in for.
    """
    said = known.faults if known is not None else ()
    leak = leaked_top(board)
    cautions = []
    if shadowed is not None:
        cautions.append(
            f"It is your own and stands in for the shipped leaderboard of that name, which has {shadowed.teams:,} "
            f"teams: medalist leaderboard {board.name} --remove brings that back."
        )
    if leak is not None:
        board = replace(board, leaked_from=leak.limit)
        cautions.append(_leak_sentence(board, leak, "public answers" in said))
    if list_is_cut(board, known, is_own=is_own):
        cautions.append(
            f"The list is cut: teams worse than {board.percentiles[-1]:.6g} are missing, so percentiles are too low "
            f"and medals harder than they were."
        )
    if board.origin:
        cautions.append(f"It is {board.origin}.")
    faults = list(cautions)
    if leak is None:
        faults += _top(board, "public answers" in said)
    if known is not None and known.metric != known.board_metric and board.metric == known.board_metric:
        faults.append(f"The organiser asks for {known.metric}, but the scores of this list are {board.metric}.")
    if "rolling" in said:
        faults.append("It never closes: it holds the teams of the last two months, and Kaggle gives no medals for it.")
    kind = known.kind if known is not None else ""
    if kind in _KINDS:
        faults.append(f"It is a competition on {_KINDS[kind]}, not on tables.")
    return replace(board, kind=kind, faults=tuple(faults), cautions=len(cautions))


def list_is_cut(board: Board, known: KnownCompetition | None, *, is_own: bool) -> bool:
    """Whether a board lacks its worst teams, by what is known of it (see `find_faults`) or by its figures: percentiles
    are then too low, and medals harder than they were."""
    return (known is not None and "cut" in known.faults and not is_own) or _cut(board)


def leaked_top(board: Board) -> LeakedTop | None:
    """The leaked top of a board; None where its figures show none.

    There is one where the best score is perfect, and the scores two percentiles below the last perfect one are as far
    away as LEAKED_GAP says. A best score that the whole field approaches is no leak: the task is solved.
    """
    perfect = _last_perfect(board)
    middle = board.percentiles[50]
    if perfect is None or perfect >= 48 or not math.isfinite(middle) or board.teams < LEAST_TEAMS:
        return None
    best, below = board.percentiles[0], board.percentiles[perfect + 2]
    if below == best or abs(best - below) < LEAKED_GAP * abs(below - middle):
        return None
    limit = (best + below) / 2
    first = next(k for k, p in enumerate(board.percentiles) if abs(p - best) >= abs(limit - best))
    return LeakedTop(position(perfect, board.teams) + 1, limit, board.percentiles[first], first)


def void_medals(board: Board) -> tuple[Medal, ...]:
    """The medals whose threshold lies in the leaked top of a board: they mean nothing."""
    return tuple(medal for medal in MEDALS if board.leaked(board.threshold(medal)))


def thresholds_without_top(board: Board) -> dict[Medal, float | None]:
    """The medal thresholds among the teams that are not in the leaked top; {} where there is none.

    Each is the score at the nearest known rank that is not worse than the medal's; None where no team earns it.
    """
    if board.leaked_from is None:
        return {}
    field = [(index, score) for index, score in board.ranked() if not board.leaked(score)]
    ahead = 1 + max(index for index, score in board.ranked() if board.leaked(score))
    ranks = medal_ranks(board.teams - ahead)
    thresholds: dict[Medal, float | None] = {}
    for medal in MEDALS:
        rank = getattr(ranks, medal)
        known = [score for index, score in field if index < ahead + rank]
        thresholds[medal] = known[-1] if known else None
    return thresholds


def _leak_sentence(board: Board, leak: LeakedTop, public: bool) -> str:
    """What a leaked top is, and what it does to the medals."""
    why = ", for the answers are public" if public else ""
    text = f"The top is leaked{why}: {_perfect_teams(leak.perfect)}, and the field begins at {leak.field:.6g} "
    text += f"({leak.percentile} %)"
    void = void_medals(board)
    if not void:
        return f"{text}; the medals hardly move."
    others = thresholds_without_top(board)
    would = ", ".join(f"{medal} {score:.6g}" for medal, score in others.items() if score is not None)
    verb = "means" if len(void) == 1 else "mean"
    return f"{text}; {' and '.join(void)} {verb} nothing here: without that top they would ask for {would}."


def _perfect_teams(teams: int) -> str:
    """How many teams have a perfect score, at least."""
    return "the best team has a perfect score" if teams == 1 else f"at least {teams:,} teams have a perfect score"


def _top(board: Board, public: bool) -> list[str]:
    """What is odd about a top that is not leaked by its figures."""
    perfect, best, second = _last_perfect(board), board.percentiles[0], board.percentiles[1]
    found = []
    if perfect is not None and board.teams >= LEAST_TEAMS // 2:
        teams = position(perfect, board.teams) + 1
        who = _perfect_teams(teams)
        near = abs(best - board.percentiles[10]) < LEAKED_GAP * abs(board.percentiles[10] - board.percentiles[50])
        solved = ", and many come close to it: the task is as good as solved" if near else ""
        found.append(f"{who[0].upper()}{who[1:]}{solved}.")
    elif board.teams >= LEAST_TEAMS and abs(best - second) > APART * abs(second - board.percentiles[50]) > 0:
        found.append(
            f"The best team ({best:.6g}) is set far apart from the others ({second:.6g} at 1 %): do not take its score "
            f"for what can be reached."
        )
    if public:
        found.append("The answers are public, so some scores near the top may be copied.")
    return found


def _last_perfect(board: Board) -> int | None:
    """Percentile of the last perfect score (1 where higher is better, 0 where lower is); None without one."""
    perfect = 1.0 if board.greater_is_better else 0.0
    if not board.metric or board.percentiles[0] != perfect:
        return None
    return max(k for k, p in enumerate(board.percentiles) if p == perfect)


def _cut(board: Board) -> bool:
    """Whether a board lacks its worst teams: the last quarter spreads less than the quarter above it, though the last
    score is far from the worst one that the metric knows or that chance gives."""
    middle, third, last = (board.percentiles[k] for k in (50, 75, 100))
    if board.teams < 10 * LEAST_TEAMS or not all(map(math.isfinite, (middle, third, last))) or middle == 0:
        return False
    return 0 < abs(third - last) < abs(middle - third) and abs(middle - last) < abs(middle) / 3
