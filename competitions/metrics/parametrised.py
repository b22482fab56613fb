"""Families of metrics with a parameter, such as map@3, pinball@0.9 and fbeta@2."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.metric import Metric


@dataclass(frozen=True)
class Parametrised:
    """A family of metrics that differ by a number, the parameter: `map`, to which `map@3` belongs.

    Parameters
    ----------
    letter : placeholder of the parameter in lists of names: map@k.
    example : a name with its parameter, for error messages.
    requirement : what the parameter has to be, for error messages.
    fits : whether a number is a valid parameter.
    make : (name with its parameter, parameter) → the metric.
    spelling : regular expression of other complete names, as `names.normalised` writes them; a group whose name begins
        with "n" is the parameter.
    incomplete : names that lack the parameter.
    phrases : as in `Wording`, with the parameter in groups as in `spelling`.
    in_text : (sentences near a phrase, further sentences around) → the parameter, None if they do not give it.
    several : the metric that a phrase means where the text gives no single parameter; None for none.
    """

    name: str
    letter: str
    example: str
    requirement: str
    fits: Callable[[float], bool]
    make: Callable[[str, float], Metric]
    spelling: str
    incomplete: tuple[str, ...]
    phrases: tuple[str, ...]
    in_text: Callable[[str, str], float | None]
    several: str | None = None

    @property
    def placeholder(self) -> str:
        """The name in lists: map@k."""
        return f"{self.name}@{self.letter}"

    def complete(self, parameter: float) -> str:
        """The canonical name with a parameter."""
        return f"{self.name}@{parameter:g}"

    def metric(self, parameter: str) -> Metric:
        """The metric for a parameter given as text, such as "3". MetricError where it is not valid."""
        try:
            value = float(parameter)
        except ValueError:
            value = float("nan")
        if not self.fits(value):
            raise MetricError(f"Metric {f'{self.name}@{parameter}'!r} needs {self.requirement}.")
        return self.make(self.complete(value), value)

    def read(self, match: re.Match[str]) -> float | None:
        """The parameter in a match of `spelling` or of one of the `phrases`, None if it is not in it."""
        texts = [text for group, text in match.groupdict().items() if group.startswith("n") and text]
        return next((float(text) for text in texts if text[-1].isdigit()), None)
