"""Translates the many names of a metric to its canonical name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.parametrised import Parametrised

MEAN = "mean_"  # before a name: the mean of that metric over the columns of several targets
POOLED = "pooled_"  # before a name: that metric over the values of several targets together
_MEANS = ("mean_columnwise_", "mean_column_wise_", "columnwise_mean_", "column_wise_mean_", "columnwise_",
          "column_wise_", "average_", MEAN, "mc")  # fmt: skip


@dataclass(frozen=True)
class Vocabulary:
    """All names of metrics: canonical `names`, `aliases` → canonical name, `parametrised` families by their name."""

    names: Collection[str]
    aliases: Mapping[str, str]
    parametrised: Mapping[str, Parametrised]

    def canonical(self, name: str) -> str:
        """The canonical name, with "mean_" where the name asks for a mean over targets and "pooled_" where it asks for
        the values of all targets together.

        A leading "neg_" (scikit-learn's scorers) is ignored.

        Raises
        ------
        MetricError
            For an unknown name, with the closest ones; for one that lacks its parameter ("map").
        """
        key = normalised(name)
        canonical = self._lookup(key)
        if canonical is not None:
            return canonical
        plain = key.removeprefix("neg_")
        if plain.startswith(POOLED) and (single := self._lookup(plain.removeprefix(POOLED))) is not None:
            return POOLED + single.removeprefix(MEAN)
        for prefix in _MEANS:
            if plain.startswith(prefix) and (single := self._lookup(plain.removeprefix(prefix))) is not None:
                return single if single.startswith(MEAN) else MEAN + single
        examples = self._examples()
        if key in examples:
            raise MetricError(f"Metric {name!r} needs its parameter: write it as {examples[key]}.")
        raise MetricError(self._unknown(name, key))

    def _lookup(self, key: str) -> str | None:
        """The canonical name of a normalised name, without means over columns; None for an unknown one."""
        for candidate in (key, key.removeprefix("neg_")):
            if candidate in self.names:
                return candidate
            if candidate in self.aliases:
                return self.aliases[candidate]
            family, at, _ = candidate.partition("@")
            if at and family in self.parametrised and candidate not in self._examples():
                return candidate
            for metric in self.parametrised.values():
                match = re.fullmatch(metric.spelling, candidate)
                parameter = metric.read(match) if match else None
                if parameter is not None:
                    return metric.complete(parameter)
        return None

    def _examples(self) -> dict[str, str]:
        """Names that lack their parameter ("map") → a name with one ("map@3")."""
        return {name: metric.example for metric in self.parametrised.values() for name in metric.incomplete}

    def _unknown(self, name: str, key: str) -> str:
        """The error message for an unknown name, with up to three similar ones."""
        import difflib

        spellings = {**{k: k for k in self.names}, **self.aliases, **self._examples()}
        near = difflib.get_close_matches(key, spellings, n=6, cutoff=0.5)
        close = list(dict.fromkeys(spellings[spelling] for spelling in near))[:3]
        if close:
            return (
                f"Metric {name!r} is not known: did you mean {', '.join(close)}? (or give your own as file.py:function)"
            )
        return f"Metric {name!r} is not known: use one of {', '.join(self.names)}, or your own as file.py:function."


def targets_of(name: str) -> int:
    """How many targets a metric of this name is at least of, for `registry.get_metric`: 2 for a mean over targets."""
    return 2 if name.strip().lower().startswith(MEAN) else 1


def normalised(name: str) -> str:
    """Lower case, words joined by "_", "²" as 2; "@" and "." are kept."""
    return re.sub(r"[^a-z0-9@.]+", "_", name.strip().lower().replace("²", "2").replace("^2", "2")).strip("_")
