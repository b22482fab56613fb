"""Finds and checks the features.yaml of a run, in which a person forces, suggests or forbids features."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medalist.agent.config import RunConfig
from medalist.agent.run_data import RunData
from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.steering import Steering, read_steering, write_steering
from medalist.pipelines.features.typing import check

FILE = "features.yaml"


def read_run_steering(config: RunConfig, data: RunData, *, fresh: bool) -> Steering:
    """What a person wants of the features of a run. A new run (`fresh`) stores a copy of the file in its folder, which
    a resumed run reads.

    Raises InputError where a file that is named cannot be read, PipelineError where a file names an unknown column, or
    a feature that is not well-typed or cannot be computed.
    """
    kept = data.folder / FILE
    if not fresh:
        return read_steering(kept) if kept.exists() else Steering()
    path = steering_file(config, data.competition.root)
    steering = Steering() if path is None else read_steering(path)
    _check(steering, data, config.seed)
    if steering:
        write_steering(kept, steering)
    return steering


def steering_file(config: RunConfig, competition_root: Path) -> Path | None:
    """The path of the features.yaml of a new run: the option's, else beside the task file, else in the competition's
    folder or its public/ part; None where there is none."""
    if config.features_file is not None:
        return Path(config.features_file)
    folders = [Path(config.task_file).parent] if config.task_file is not None else []
    if competition_root.is_dir():
        folders += [competition_root, competition_root / "public"]
    return next((folder / FILE for folder in folders if (folder / FILE).is_file()), None)


def _check(steering: Steering, data: RunData, seed: int) -> None:
    """PipelineError where a feature is not well-typed or cannot be computed, or a forbidden column is unknown."""
    every_row = Target(np.arange(len(data.y)), data.fitted_y, data.classes, seed)
    for text in (*steering.force, *steering.add):
        check(parse(text), data.schema)
        try:
            data.store.block(text, every_row)  # wrong literals raise only when it is computed
        except (ValueError, IndexError, OverflowError) as error:
            raise PipelineError(f"The feature {text} of {FILE} cannot be computed: {error}") from error
    unknown = [name for name in steering.forbidden_columns if name not in data.schema.columns]
    if unknown:
        raise PipelineError(
            f"forbid in {FILE} names the column {unknown[0]}, which there is not: mend its name or leave it out; the "
            f"columns are {', '.join(data.schema.columns)}."
        )
