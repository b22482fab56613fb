"""From the arguments of a function to the competition that it is about: a path, or DataFrames that become files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medalist.agent.python.options import Names, PathLike, path_of, task_options

if TYPE_CHECKING:
    import pandas as pd

    Table = PathLike | pd.DataFrame


@dataclass(frozen=True)
class Given:
    """A competition's path, and the arguments of `infer_task` and of `read_competition` (see `run.reading.read`)."""

    path: str
    options: Mapping[str, Any]
    files: Mapping[str, Any]


def given_competition(
    path: PathLike | None,
    train: Table | None,
    test: Table | None,
    sample: Table | None,
    target: Names | None,
    metric: str | None,
    more: Mapping[str, Any],
    *,
    home: Path,
    name: str | None = None,
) -> Given:
    """The competition that is given; DataFrames are written to `home`/<name>/data.

    more: further arguments (see `options.TaskOptions`). Raises a MedalistError where they contradict each other.
    """
    from medalist.agent.python.frames import are_frames, frame_options, name_of_frames, write_frames

    options = task_options(target, metric, more)
    if not are_frames(path, train, test, sample):
        roles = {"train": train, "test": test, "sample": sample, "description": more.get("description")}
        files = {role: None if file is None else str(file) for role, file in roles.items()}
        return Given(path_of(path), options, files if name is None else files | {"name": name})
    called = name_of_frames(name)
    ids, text = frame_options(more)
    folder = write_frames(
        home / called / "data",
        train,  # type: ignore[arg-type]
        test,  # type: ignore[arg-type]
        sample,  # type: ignore[arg-type]
        targets=options["targets"],
        ids=ids,
        metric=metric,
        description=text,
    )
    return Given(str(folder), options, {"name": called})
