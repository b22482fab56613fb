"""Makes a recorded submission again from the raw files in a new folder, and compares it byte by byte."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medalist.agent.config import RunConfig
from medalist.agent.lineage.find import Found
from medalist.agent.lineage.made import Remaker, Step
from medalist.agent.lineage.refit import Refitter
from medalist.agent.lineage.versions import Difference, differences, now
from medalist.agent.records.lineage_file import InputFile, file_hash
from medalist.agent.records.predictions import Predictions
from medalist.agent.run.affordable import footprints_of, own_bytes, usual_bytes
from medalist.agent.run.reading import cards_of, read
from medalist.agent.run_data import RunData
from medalist.agent.workers.local import Workers
from medalist.competitions.atomic import replace_file
from medalist.competitions.errors import InputError, LedgerError
from medalist.pipelines.hashing import array_hash

Tell = Callable[[str, Any], None]  # kind ("input", "step"), and what it is about


@dataclass(frozen=True)
class Reproduction:
    """A submission that was made again.

    folder: of what was made. equal: whether its bytes are the recorded ones. first: the first step whose result is
    another one; None where there is none. differing: versions that differ.
    """

    run: str
    folder: Path
    sha256: str
    recorded: str
    steps: tuple[Step, ...]
    differing: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        return self.sha256 == self.recorded

    @property
    def first(self) -> Step | None:
        return next((step for step in self.steps if step.equal is False), None)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "run": self.run,
            "folder": str(self.folder),
            "equal": self.equal,
            "sha256": self.sha256,
            "recorded": self.recorded,
            "first_difference": None if self.first is None else self.first.what,
            "versions": [asdict(difference) for difference in self.differing],
            "steps": [asdict(step) | {"equal": step.equal} for step in self.steps],
        }


def reproduce(found: Found, folder: Path, *, path: str | None, cores: int, tell: Tell) -> Reproduction:
    """Make a submission again in a folder, which must be empty or not there.

    path: where the competition is now; None for where it was. cores: to use. tell: is called with what was done.

    Raises LedgerError where the lineage lacks what that needs, InputError where an input file has changed or is gone,
    and other MedalistErrors as a run does.
    """
    document, made = complete(found)
    root = Path(path or document["path"])
    check_inputs(document, root, tell)
    _claim(folder)
    differing = tuple(differences(document, now()))
    data = read_data(document, root, folder)
    workers = Workers(cores)
    workers.warm_up()
    try:
        workers.fit_to_memory(usual_bytes(data, footprints_of(data)), own_bytes(data))
        workers.reconfigure(workers.count, 1)
        drawn = document["folds"]
        folds = data.folds("search", drawn["seed"], drawn["count"], drawn["repeats"])
        workers.start(data.training_input)
        refitter = Refitter(workers, Predictions.create(folder), lambda job: tell("fit", job))
        remaker = Remaker(data, document, folds, refitter, lambda step: tell("step", step))
        then = document["data"]
        remaker.step("the targets of train", then["targets"], array_hash(data.y))
        remaker.step("the columns, as they were read", then["features"], data.store.fingerprint)
        assert folds.drawn is not None
        remaker.step("the folds of the search", drawn["sha256"], folds.drawn.sha256)
        contents = remaker.submission(made)
    finally:
        workers.close()
    replace_file(folder / "submission.csv", contents)
    steps = tuple(remaker.steps)
    return Reproduction(found.run, folder, steps[-1].now, str(made["sha256"]), steps, differing)


def complete(found: Found) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The lineage and its entry of the submission; LedgerError where something is missing, saying what."""
    document, made = found.document, found.made
    if document is None:
        gone = " ".join(found.removed) or "it was begun by a version that recorded none, or its folder is gone."
        raise LedgerError(
            f"Run {found.run} has no lineage.json that can be read: {gone} What the ledger knows is shown by "
            f"medalist why {found.run}; threads, rounds and hashes of files, which a repetition needs, are not known."
        )
    if made is None:
        raise LedgerError(
            f"The lineage of run {found.run} does not have this submission: it was written before the lineage was "
            "recorded, or the run has none yet. The run's later submissions can be reproduced."
        )
    numbers = [int(n) for n, _ in made.get("ensemble", ())]
    lacking = [n for n in numbers if not document["experiments"].get(str(n), {}).get("fits")]
    if lacking:
        raise LedgerError(
            f"Experiment {lacking[0]} of run {found.run} was made before threads and rounds of each fit were recorded: "
            "this submission cannot be made again."
        )
    return document, made


def check_inputs(document: Mapping[str, Any], root: Path, tell: Tell) -> None:
    """Compare the input files with their recorded hashes. InputError, naming the file, where one has changed or is
    gone."""
    for entry in document.get("inputs", ()):
        file = InputFile.from_dict(entry)
        place = file.below(root)
        if not place.is_file():
            raise InputError(f"{place}, which the run was made from, is gone: say with --path where it is now.")
        digest = file_hash(place)
        tell("input", (file, digest))
        if file.sha256 and digest != file.sha256:
            raise InputError(
                f"{place} has changed since the run: its SHA-256 was {file.sha256[:12]}…, and is {digest[:12]}…. Give "
                "the old files with --path; from others the submission is another one."
            )


def _claim(folder: Path) -> None:
    """Make the folder; InputError where it holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty: choose another folder with --out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot write to {folder}: {error.strerror or error}; choose another with --out.") from None


def read_data(document: Mapping[str, Any], root: Path, folder: Path) -> RunData:
    """The data of the run, read from the raw files with the run's task."""
    config = RunConfig.model_validate(document["config"])
    task_file = folder / "task.yaml"
    replace_file(task_file, document["task"])
    competition, task = read(str(root), {}, config.file_options or {}, str(task_file), config.seed)
    return RunData.create(competition, task, cards_of(competition, task), folder, folder / "features")
