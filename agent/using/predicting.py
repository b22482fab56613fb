"""Predicts further rows with the models of a run's submission, which are fitted again as the lineage records them.

A fit is repeated to the bit (see `agent.lineage`), so these are the run's models, of whichever family; each is checked
by the hash of its predictions of the run's test rows. Rows that the run did not have are predicted beside these, and
nothing is fitted on them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medalist.agent.lineage.find import Found
from medalist.agent.lineage.made import Remaker, needed_experiments
from medalist.agent.lineage.refit import Recorded, Refitter
from medalist.agent.lineage.reproduce import check_inputs, complete, read_data
from medalist.agent.lineage.versions import Difference, differences, now
from medalist.agent.records.contents import answers
from medalist.agent.records.lineage_file import NAME, file_hash, read_lineage
from medalist.agent.records.predictions import Predictions
from medalist.agent.run.affordable import footprints_of, own_bytes, usual_bytes
from medalist.agent.run_data import RunData
from medalist.agent.using.rows import FurtherRows, further_rows
from medalist.agent.workers.jobs import LaterInput, TrainingInput
from medalist.agent.workers.local import Workers
from medalist.competitions.additional_rows import additional_rows
from medalist.competitions.atomic import replace_file
from medalist.competitions.clock import awake
from medalist.competitions.errors import InputError, LedgerError
from medalist.competitions.plural import count_text
from medalist.competitions.task.transform import parse_transform
from medalist.pipelines.ensembling.selection import Ensemble
from medalist.pipelines.features.language.expression import Column, nodes
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.later_rows import StoreWithLater
from medalist.pipelines.targets.transform import read_target

Tell = Callable[[str], None]  # is called with a sentence on what is done


@dataclass(frozen=True)
class Predicted:
    """Predictions of further rows.

    frame: the columns of a submission, a row for each that was given. contents: of its file. known: how many rows are
    of the run's test. notes: sentences on the columns that were given. equal: whether all models are those of the run;
    None where that is not known. differing: versions that differ from the run's. seconds: that it took.
    """

    frame: pd.DataFrame
    contents: bytes
    known: int
    notes: tuple[str, ...]
    equal: bool | None
    differing: tuple[Difference, ...]
    seconds: float


def predict(
    run_directory: Path | str, frame_or_path: pd.DataFrame | Path | str, out: Path | None = None
) -> pd.DataFrame:
    """Predictions of further rows by what a run's submission is made of, a row for each, with the submission's columns.

    run_directory: the run's folder. frame_or_path: the rows, with the columns of the competition's test; ids may be
    missing. out: a file that they are written to, in the submission's form. Rows of the run's test get the predictions
    of the submission. The competition's files must be where they were, unchanged.

    Raises LedgerError where the folder has no lineage, InputError where columns are missing or files have changed.
    """
    return predict_rows(found_in(Path(run_directory)), frame_or_path, out).frame


def found_in(folder: Path) -> Found:
    """The present submission of a run's folder. LedgerError where it has none."""
    document = read_lineage(folder)
    if document is None:
        raise LedgerError(f"{folder} is no folder of a run with {NAME}: give one, as medalist runs shows them.")
    submission = folder / "submission.csv"
    digest = file_hash(submission) if submission.is_file() else ""
    equal = [made for made in document["submissions"] if made["sha256"] == digest] or document["submissions"]
    made = equal[-1] if equal else None
    return Found(str(document["run"]), folder, None, (), None, document, made, made["sha256"] if made else "")


def fits_of(document: Mapping[str, Any], made: Mapping[str, Any]) -> int:
    """How many fits the models of a submission take."""
    numbers = needed_numbers(document, made)
    fits = sum(len(document["experiments"][str(n)].get("fits", ())) for n in numbers)
    fits += sum(len(of) for draw in made.get("draws", ()) for n, of in draw["fits"].items() if int(n) in numbers)
    return fits + sum(int(n) in numbers for n in made.get("refits", ()))


def needed_numbers(document: Mapping[str, Any], made: Mapping[str, Any]) -> list[int]:
    """The experiments that a submission is made of, and those that they are fitted on."""
    if "ensemble" not in made:
        return []
    experiments = {int(n): Recorded.of(int(n), d) for n, d in document["experiments"].items()}
    ensemble = Ensemble({int(n): w for n, w in made["ensemble"]}, made["space"])
    return sorted(needed_experiments(experiments, ensemble))


def predict_rows(
    found: Found,
    given: pd.DataFrame | Path | str,
    out: Path | None = None,
    *,
    path: str | None = None,
    cores: int = 1,
    tell: Tell = lambda _: None,
) -> Predicted:
    """Predictions of further rows by a submission's models, as `predict`, which are written to `out`.

    path: where the competition is now; None for where it was. cores: to fit on. tell: is called with sentences on what
    is done.
    """
    began = awake()
    document, made = complete(found)
    root = Path(path or document["path"])
    check_inputs(document, root, lambda *_: None)
    with tempfile.TemporaryDirectory(prefix="medalist-predict-") as scratch:
        folder = Path(scratch)
        data = read_data(document, root, folder)
        rows = further_rows(data, given, needed_columns(data, document, made))
        count = fits_of(document, made)
        models = count_text(len(needed_numbers(document, made)), "model")
        tell(f"{count_text(count, 'fit')} of {models} must be made again.")
        remaker, decided = _predicted(data, document, made, rows, folder, cores)
    selected = decided[rows.place]
    if rows.are_the_test:
        table, sample = data.competition.test, data.competition.sample
    else:
        table, sample = rows.frame, sample_of(data, rows.frame)
    frame, contents = answers(data, table, selected, sample)
    if out is not None:
        try:
            replace_file(Path(out), contents)
        except OSError as error:
            raise InputError(f"Cannot write to {out}: {error.strerror or error}; choose another --out.") from None
    equal = [step.equal for step in remaker.steps]
    same = False if False in equal else None if None in equal else True
    known = int((rows.place < rows.n_test).sum())
    return Predicted(frame, contents, known, rows.notes, same, tuple(differences(document, now())), awake() - began)


def _predicted(
    data: RunData, document: Mapping[str, Any], made: Mapping[str, Any], rows: FurtherRows, folder: Path, cores: int
) -> tuple[Remaker, np.ndarray]:
    """What made the models again, and what is submitted, (m + j, T) or (m + j, W): of the test rows, then the later
    ones."""
    workers = Workers(cores)
    workers.warm_up()
    try:
        workers.fit_to_memory(usual_bytes(data, footprints_of(data)), own_bytes(data))
        workers.reconfigure(workers.count, 1)
        drawn = document["folds"]
        folds = data.folds("search", drawn["seed"], drawn["count"], drawn["repeats"])
        workers.start(_training_input(data, rows.later, folder))
        refitter = Refitter(workers, Predictions.create(folder))
        remaker = Remaker(data, document, folds, refitter, lambda _: None, later=len(rows.later))
        prediction, decision = remaker.predicted(made)
    finally:
        workers.close()
    return remaker, decision.apply(prediction)


def _training_input(data: RunData, later: pd.DataFrame, folder: Path) -> TrainingInput:
    """What child processes read: the run's data, with stores that hold the later rows too where there are any."""
    own = data.training_input
    if not len(later):
        return own
    competition, task, store = data.competition, data.task, data.store
    names = list(store.raw.names)
    tables = {name: store.table(name) for name in data.table_hashes if store.raw.table_path(name).exists()}
    parts = (competition.train[names], competition.test[names], later[names])
    over_all = StoreWithLater.beside(folder / "later", store, (*parts, None), tables)
    base_of_additional = None
    additional = own.additional
    if data.additional is not None and additional is not None:
        more = additional_rows(competition, task, names)
        assert more is not None
        base = data.additional.store
        with_more = StoreWithLater.beside(folder / "later-additional", base, (*parts, more.frame[names]), tables)
        base_of_additional = (base.folder.resolve(), base.fingerprint)
        additional = replace(additional, store=with_more.folder.resolve(), fingerprint=with_more.fingerprint)
    return replace(
        own,
        store=over_all.folder.resolve(),
        fingerprint=over_all.fingerprint,
        n_test=own.n_test + len(later),
        additional=additional,
        later=LaterInput(over_all.later, (own.store, own.fingerprint), base_of_additional),
    )


def needed_columns(data: RunData, document: Mapping[str, Any], made: Mapping[str, Any]) -> set[str]:
    """The columns of test that a submission's models, and its form, are made of."""
    texts: list[Any] = []
    pipelines = [Recorded.of(n, document["experiments"][str(n)]).pipeline for n in needed_numbers(document, made)]
    if "pipeline" in made:
        pipelines.append(Recorded.of(0, made).pipeline)
    for pipeline in pipelines:
        texts += [parse(text) for text in pipeline.features]
        if pipeline.target:
            texts.append(read_target(pipeline.target))
    found = {node.name for text in texts for node in nodes(text) if isinstance(node, Column) and node.table is None}
    column = parse_transform(data.task.transform).column
    return found | ({column} if column else set())


def sample_of(data: RunData, rows: pd.DataFrame) -> pd.DataFrame | None:
    """A sample submission of further rows: the ids of the rows, and else the first values of the run's sample, whose
    types answers take; None where the run has none, or its submission is long."""
    sample, task = data.competition.sample, data.task
    if sample is None or task.long is not None:
        return None
    first = sample.iloc[np.zeros(len(rows), dtype=int)].reset_index(drop=True)
    ids = dict(zip(task.submission_id, task.id, strict=False))
    made = {name: rows[old].reset_index(drop=True) for name, old in ids.items() if old in rows}
    return first.assign(**made)
