"""A pipeline as data: features, estimator family, parameters and seed, hashable and convertible to plain values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from medalist.pipelines.row_recipe import Rows, recipe

Params = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Pipeline:
    """A model as data; make one with `of`, so that equal pipelines are equal objects with equal hashes.

    features: canonical texts of feature expressions. family: name of an estimator family. params: sorted (name, value)
    pairs. target: the transformation of the target (see `targets.transform`), "" for that of the metric. stacked:
    hashes of pipelines whose out-of-fold predictions are further columns. pseudo: hash of the pipeline whose
    predictions of the test rows are fitted as pseudo-labels, "" for none. rows: the recipe of the training rows (see
    `row_recipe`), () for all of them as they are.
    """

    features: tuple[str, ...]
    family: str
    params: Params
    seed: int = 0
    target: str = ""
    stacked: tuple[str, ...] = ()
    pseudo: str = ""
    rows: Rows = ()

    @classmethod
    def of(
        cls,
        features: Sequence[str],
        family: str,
        params: Mapping[str, Any],
        seed: int = 0,
        *,
        target: str = "",
        stacked: Sequence[str] = (),
        pseudo: str = "",
        rows: Iterable[Sequence[Any]] = (),
    ) -> Pipeline:
        """A pipeline with sorted parameters and stacked hashes, and each feature and each kind of step once.

        Raises PipelineError for an unknown step of the rows.
        """
        return cls(
            features=tuple(dict.fromkeys(features)),
            family=family,
            params=tuple(sorted(params.items())),
            seed=seed,
            target=target,
            stacked=tuple(sorted(set(stacked))),
            pseudo=pseudo,
            rows=recipe(rows),
        )

    @property
    def bases(self) -> tuple[str, ...]:
        """Hashes of the pipelines whose predictions this one needs: stacked and pseudo, each once."""
        return tuple(dict.fromkeys((*self.stacked, *([self.pseudo] if self.pseudo else []))))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name."""
        return dict(self.params)

    def changed(self, *, params: Mapping[str, Any] | None = None, **changes: Any) -> Pipeline:
        """A copy with other parameters (all of them, by name) or other values of the fields named in `changes`."""
        if params is not None:
            changes["params"] = tuple(sorted(params.items()))
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; target, stacked, pseudo and rows are left out where they are empty."""
        document: dict[str, Any] = {
            "features": list(self.features),
            "family": self.family,
            "params": self.parameters,
            "seed": self.seed,
        }
        further: dict[str, Any] = {"target": self.target, "stacked": list(self.stacked), "pseudo": self.pseudo}
        further["rows"] = [list(step) for step in self.rows]
        return document | {name: value for name, value in further.items() if value}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Pipeline:
        """The pipeline of plain values as `as_dict` returns them; other keys are ignored."""
        further = {name: document[name] for name in ("target", "stacked", "pseudo", "rows") if name in document}
        return cls.of(document["features"], document["family"], document["params"], document["seed"], **further)

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits of the SHA-256 of all fields, whatever the order of the features."""
        recipe = self.as_dict() | {"features": sorted(self.features)}
        text = json.dumps(recipe, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
