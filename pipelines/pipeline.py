"""Pipeline: a frozen, hashable recipe. Data, not code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

Params = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Pipeline:
    """Features (canonical texts), an estimator family, its parameters and a seed.

    `target` names the transformation of the target that is fitted ("" is the metric's own). `stacked` are the hashes of
    pipelines whose out-of-fold predictions are further columns; `pseudo` is the hash of the one whose predictions of
    the test rows are fitted as labels, "" for none. Equal recipes are equal objects with equal hashes, whatever the
    order in which their parts were named.
    """

    features: tuple[str, ...]
    family: str
    params: Params
    seed: int = 0
    target: str = ""
    stacked: tuple[str, ...] = ()
    pseudo: str = ""

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
    ) -> Pipeline:
        return cls(
            features=tuple(dict.fromkeys(features)),
            family=family,
            params=tuple(sorted(params.items())),
            seed=seed,
            target=target,
            stacked=tuple(sorted(set(stacked))),
            pseudo=pseudo,
        )

    @property
    def bases(self) -> tuple[str, ...]:
        """Hashes of the pipelines whose predictions this one is made from."""
        return tuple(dict.fromkeys((*self.stacked, *([self.pseudo] if self.pseudo else []))))

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.params)

    def changed(self, *, params: Mapping[str, Any] | None = None, **changes: Any) -> Pipeline:
        """This recipe with other parameters, features, seed, target and so on."""
        if params is not None:
            changes["params"] = tuple(sorted(params.items()))
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Plain values; what is not used is left out."""
        document: dict[str, Any] = {
            "features": list(self.features),
            "family": self.family,
            "params": self.parameters,
            "seed": self.seed,
        }
        further = {"target": self.target, "stacked": list(self.stacked), "pseudo": self.pseudo}
        return document | {name: value for name, value in further.items() if value}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Pipeline:
        further = {name: document[name] for name in ("target", "stacked", "pseudo") if name in document}
        return cls.of(document["features"], document["family"], document["params"], document["seed"], **further)

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits of the recipe's SHA-256."""
        recipe = self.as_dict() | {"features": sorted(self.features)}
        text = json.dumps(recipe, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
