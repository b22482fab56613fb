"""The JSON documents that the commands print with --json, as pydantic models: for whoever reads them, for
docs/json.md, which is made from them, and for the tests, which hold every document to its model.

Printing does not go through the models: a command must not import pydantic. Fields are only ever added within one
version of the schema; see `medalist.agent.run.display.SCHEMA`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from medalist.agent.nights.plan import Planned
from medalist.leaderboard.boards.board import Board as KnownBoard
from medalist.leaderboard.boards.standing import Standing
from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionRow
from medalist.leaderboard.ledger.rows import (
    ExperimentRow,
    ScreeningRow,
    StandingRow,
    SubmissionRow,
)

Object = dict[str, Any]


def says(text: str) -> Any:
    """What a field holds."""
    return Field(description=text)


class Part(BaseModel):
    """An object within a document; it has no fields but those that are declared."""

    model_config = ConfigDict(extra="forbid")


class Document(Part):
    """What every document has."""

    schema_: Annotated[Literal[1], Field(alias="schema", description="the version of this schema")]


class Ledger(Part):
    """The runs of one ledger, the newest first."""

    ledger: Annotated[str, says("the file or address of the ledger")]
    runs_dir: Annotated[str, says("the folder of runs, for --runs-dir")]
    runs: Annotated[list[Object], says("each a RunRow with its `state`: running, finished, interrupted or failed")]


class Runs(Document):
    """`medalist runs`"""

    ledgers: Annotated[list[Ledger], says("one, or all that are known with --everywhere")]


class Show(Document):
    """`medalist show`"""

    run: Annotated[Object, says("a RunRow with its `state`")]
    experiments: Annotated[list[ExperimentRow], says("in the order in which they were recorded")]
    submissions: Annotated[list[SubmissionRow], says("in the order in which they were written")]
    standings: Annotated[list[StandingRow], says("of this run, on holdouts and by cross-validation")]


class Features(Document):
    """`medalist features`"""

    run: Annotated[str, says("the id of the run")]
    competition: Annotated[str, says("its name")]
    state: Annotated[str, says("of the run")]
    searches: Annotated[list[ScreeningRow], says("each screening of candidates")]
    features: Annotated[list[Object], says("each a FeatureRow with `words`, the expression in English")]


class Why(Document):
    """`medalist why`"""

    run: Annotated[str, says("the id of the run")]
    competition: Annotated[str, says("its name")]
    path: Annotated[str | None, says("where its data were")]
    state: Annotated[str | None, says("of the run; null where the ledger does not have it")]
    submission: Annotated[Object, says("`number`, `sha256`, `recorded`, `score`, `standard_error`, `reason`")]
    made_of: Annotated[Object, says("`kind` and weights of the ensemble")]
    experiments: Annotated[dict[str, Object], says("by number, those that it needs")]
    features: Annotated[dict[str, str], says("each expression in English")]
    history: Annotated[dict[str, Any], says("of the ideas that led to the experiments, by number")]
    folds: Annotated[Object, says("scheme, counts and hashes of the folds")]
    task: Annotated[Object, says("the task as the run took it")]
    task_file: Annotated[Any, says("the task.yaml of the run")]
    data: Annotated[Object, says("hashes of the data")]
    inputs: Annotated[list[Object], says("each file with its role and SHA-256")]
    seed: Annotated[int | None, says("of the run")]
    parts: Annotated[list[Object], says("versions of software and the machine, for each part of the run")]
    removed: Annotated[list[str], says("what medalist clean has taken")]
    missing: Annotated[list[str], says("what is not known any more")]


class Report(Document):
    """`medalist report`, and `medalist night report --html`"""

    report: Annotated[str, says("the path of the page")]
    bytes: Annotated[int, says("its size")]


class Reproduction(Document):
    """`medalist reproduce`"""

    run: Annotated[str, says("the id of the run")]
    folder: Annotated[str, says("where the submission was made again")]
    equal: Annotated[bool, says("whether all bytes are equal")]
    sha256: Annotated[str, says("of the new file")]
    recorded: Annotated[str, says("SHA-256 of the old one")]
    first_difference: Annotated[str | None, says("what differs first")]
    versions: Annotated[list[Object], says("of software, where they differ")]
    steps: Annotated[list[Object], says("each step with its hashes and whether they are `equal`")]


class Inspection(Document):
    """`medalist inspect`"""

    competition: Annotated[Object, says("`name`, `fingerprint`, shapes, `files` with their roles, `notes`")]
    task: Annotated[Object, says("what is predicted, by which metric, on which folds")]
    columns: Annotated[list[Object], says("what each column means")]
    audit: Annotated[list[Object], says("its findings")]


class Grade(Document):
    """`medalist grade`"""

    competition: Annotated[str, says("its name")]
    metric: Annotated[str, says("canonical name")]
    score: Annotated[float, says("on the holdout")]
    standard_error: Annotated[float | None, says("of the score")]
    interval: Annotated[tuple[float, float] | None, says("80 % interval")]
    standing: Annotated[Standing | None, says("among humans")]
    no_standing: Annotated[str | None, says("why there is none")]


class Comparison(Document):
    """`medalist compare`"""

    competition: Annotated[str, says("its name")]
    metric: Annotated[str, says("canonical name")]
    title: Annotated[str, says("the metric in words")]
    greater_is_better: bool
    basis: Annotated[str, says("holdout or cross-validation")]
    rows: Annotated[int, says("that all are scored on")]
    units: Annotated[int, says("independent groups of rows")]
    method: Annotated[str, says("by which errors are found")]
    agreement_of: Annotated[str, says("what the agreement compares")]
    seed: int
    level: Annotated[float, says("of the intervals")]
    entries: Annotated[list[Object], says("each with its score, its standing and what is to be said of it")]
    pairs: Annotated[list[Object], says("the difference of each two, with error, interval and agreement")]
    notes: list[str]


class Medals(Document):
    """`medalist medals`"""

    standings: Annotated[list[Object], says("of each competition and basis the best StandingRow, and the `last`")]
    rates: Annotated[dict[str, Object], says("by basis, the share of competitions with a medal")]
    standings_of_no_run: Annotated[int, says("graded files of no run, which no rate counts")]


class Holdout(Document):
    """`medalist holdout`"""

    public: Annotated[str, says("the folder to work on")]
    private: Annotated[str, says("the folder of the answers")]
    answers: Annotated[str, says("the file of the answers")]


class Clean(Document):
    """`medalist clean`"""

    applied: Annotated[bool, says("whether it was removed")]
    bytes: Annotated[int, says("that all take together")]
    freed: Annotated[int, says("bytes")]
    removals: Annotated[list[Object], says("what goes, and what is lost with it")]
    not_removed: Annotated[list[Object], says("what could not be removed, and why")]
    kept: Annotated[list[Object], says("what stays, and why")]


@dataclass(frozen=True)
class BoardRow(KnownBoard):
    """A leaderboard. What is not known of the field is null."""

    percentiles: tuple[float | None, ...]  # type: ignore[assignment]


class BoardList(Document):
    """`medalist leaderboard`"""

    leaderboards: Annotated[list[BoardRow], says("all that are known, by name")]


class Board(Document):
    """`medalist leaderboard NAME`, also with --add, --rename and --download"""

    leaderboard: Annotated[BoardRow, says("its teams, thresholds and faults; scores in the unit of its metric")]
    caution: Annotated[str | None, says("what is wrong with it, where that bears on every standing")] = None
    void_medals: Annotated[list[str], says("medals that mean nothing, for its top is leaked")] = []
    thresholds_without_top: Annotated[Any, says("medals without that top")] = None
    field: Annotated[Object | None, says("of its teams, in bins")] = None
    standing: Annotated[Standing | None, says("of --score or --run")] = None
    no_standing: Annotated[str | None, says("why there is none")] = None


class BoardRemoval(Document):
    """`medalist leaderboard NAME --remove`"""

    removed: Annotated[list[str], says("files")]


class Submit(Document):
    """`medalist submit`"""

    submissions: Annotated[list[KaggleSubmissionRow], says("that were sent")]


class Submissions(Document):
    """`medalist submissions`"""

    submissions: Annotated[list[Object], says("each a KaggleSubmissionRow with its `difference` from the estimate")]
    agreement: Annotated[Object | None, says("of leaderboards with estimates")]
    refreshed: Annotated[list[str], says("ids of those whose scores were fetched now")]
    problems: Annotated[list[str], says("in sentences")]


class NightPlan(Document):
    """`medalist night run --dry-run`"""

    seconds: Annotated[float, says("of the night")]
    competitions: list[Planned]


class NightList(Document):
    """`medalist night list`"""

    file: str
    competitions: Annotated[list[Object], says("as in nights.yaml")]
    notify: Any = None


class NightChange(Document):
    """`medalist night add` and `medalist night remove`"""

    file: str
    competition: Annotated[str, says("its name in the file")]
    path: str


class NightSchedule(Document):
    """`medalist night install` and `medalist night uninstall`"""

    by: Annotated[str | None, says("systemd, launchd or cron; null where nothing was scheduled")]
    files: Annotated[list[str], says("that were written, or removed")]
    notes: list[str]


class NightStatus(Document):
    """`medalist night status`"""

    file: str
    schedule: Annotated[Object | None, says("that was installed")]
    running: Annotated[Object | None, says("the night that runs now")]
    nights: list[Object]
    competitions: list[Object]


class NightReport(Document):
    """`medalist night report`"""

    night: str
    began: str
    ended: str | None
    window_ends: str
    state: str
    reason: str
    seconds_worked: float
    competitions: list[Object]
    notes: list[Object]


class Event(Document):
    """`medalist run`, `resume`, `demo` and `night run`: one object a line"""

    model_config = ConfigDict(extra="allow")

    event: Annotated[str, says("its kind; further fields are those of the kind")]


#: by command; several where its options make it print something else
DOCUMENTS: Mapping[str, tuple[type[Document], ...]] = {
    "run": (Event,),
    "resume": (Event,),
    "demo": (Event,),
    "inspect": (Inspection,),
    "runs": (Runs,),
    "show": (Show,),
    "report": (Report,),
    "features": (Features,),
    "why": (Why,),
    "compare": (Comparison,),
    "medals": (Medals,),
    "leaderboard": (BoardList, Board, BoardRemoval),
    "submit": (Submit,),
    "submissions": (Submissions,),
    "holdout": (Holdout,),
    "grade": (Grade,),
    "reproduce": (Reproduction,),
    "clean": (Clean,),
    "night add": (NightChange,),
    "night remove": (NightChange,),
    "night list": (NightList,),
    "night run": (Event, NightPlan),
    "night status": (NightStatus,),
    "night report": (NightReport, Report),
    "night install": (NightSchedule,),
    "night uninstall": (NightSchedule,),
}
