"""Which features.yaml a run obeys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medalist.pipelines.features.language.steering import Steering, read_steering

if TYPE_CHECKING:
    from medalist.agent.run.run import RunConfig

FILE = "features.yaml"


def steering_for(config: RunConfig, competition_root: Path) -> Steering:
    """What a person wants of the features: the file that is named, else features.yaml beside the task file, else in the
    competition's folder or its public/ part; nothing where there is none.

    Raises InputError where the file that is named cannot be read, and PipelineError where a file says what cannot be.
    """
    path = steering_file(config, competition_root)
    return Steering() if path is None else read_steering(path)


def steering_file(config: RunConfig, competition_root: Path) -> Path | None:
    """The file that `steering_for` reads, None where there is none."""
    if config.features_file is not None:
        return Path(config.features_file)
    folders = [Path(config.task_file).parent] if config.task_file is not None else []
    if competition_root.is_dir():
        folders += [competition_root, competition_root / "public"]
    return next((folder / FILE for folder in folders if (folder / FILE).is_file()), None)
