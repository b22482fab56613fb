"""features.yaml: the features that a user forces, forbids or wants tested first.

    force:    # in every feature set
      - number(age)
      - target_mean(city × brand)
    forbid:   # never used: an expression with all that contains it, or a column with all that is made from it
      - passenger_id
      - mean(price) by city
    add:      # tested first by the search
      - price / area

Whether the columns exist, with types that the operators take, is checked later, against a competition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from medalist.competitions.atomic import replace_file
from medalist.competitions.errors import InputError, PipelineError
from medalist.pipelines.features.language.expression import FLAT, Column, Feature, Node, nodes
from medalist.pipelines.features.language.parser import parse

_LISTS = {
    "force": "Features that are in every feature set.",
    "forbid": "What is never used: an expression with all that contains it, a column with all that is made from it.",
    "add": "Features that the search tests first.",
}
_HEAD = """\
# What the search for features obeys. Change it and give the file back:
#     medalist run PATH --features THIS_FILE
"""


@dataclass(frozen=True)
class Steering:
    """A user's instructions for the search for features, see the module.

    The lists hold canonical texts of features; `forbid` also names of columns, as written in expressions.
    """

    force: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    add: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.force or self.forbid or self.add)

    def forbids(self, feature: Feature) -> bool:
        """Whether a feature is forbidden, contains what is forbidden, or is made from a forbidden column.

        A sum, product or cross contains each part of it: `a × b × c` and `mean(x) by a, b` contain `a × b`.
        """
        return bool(self._forbidden) and any(_contains(n, f) for n in nodes(feature) for f in self._forbidden)

    def allowed(self, texts: Iterable[str]) -> tuple[str, ...]:
        """The texts of features that are not forbidden."""
        return tuple(text for text in texts if not self.forbids(parse(text)))

    @property
    def forbidden_columns(self) -> tuple[str, ...]:
        """Names of the columns of train and test that occur in `forbid`, also within expressions."""
        parts = (n for forbidden in self._forbidden for n in nodes(forbidden))
        return tuple(dict.fromkeys(n.name for n in parts if isinstance(n, Column) and n.table is None))

    @cached_property
    def _forbidden(self) -> tuple[Node, ...]:
        return tuple(map(_node, self.forbid))


def _contains(node: Node, part: Node) -> bool:
    """Whether a node is `part`, or includes it among its flattened arguments or keys; nodes below it are not
    searched."""
    if node == part:
        return True
    if not isinstance(node, Feature) or not isinstance(part, Feature):
        return False
    flat = part.op in FLAT and node.op == part.op
    return (flat and set(part.args) <= set(node.args)) or (part.op == "cross" and set(part.args) <= set(node.by))


def _node(text: str) -> Node:
    """A column or a feature from its text. PipelineError where it is neither."""
    try:
        return parse(text)
    except PipelineError as error:
        try:
            args = parse(f"code({text})").args
        except PipelineError:
            args = ()
        if len(args) == 1 and isinstance(args[0], Column):
            return args[0]
        raise error from None


def read_steering(path: Path) -> Steering:
    """Read features.yaml; a list that it leaves out is empty.

    InputError where the file cannot be read, PipelineError (one sentence: what is wrong and what to write) where it is
    no features file, an expression cannot be parsed, or a forbidden feature is in another list too.
    """
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The features file {path} cannot be read ({error.strerror}): check its path.") from None
    except UnicodeDecodeError:
        raise PipelineError(f"{path} is not written in UTF-8: save it again as UTF-8 text.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        raise PipelineError(
            f"{path} is not valid YAML{line}: write one expression a line after '- ', in double quotes where it has "
            f"backticks or begins with a mark."
        ) from None
    if data is None:
        return Steering()
    if not isinstance(data, dict):
        raise PipelineError(f"{path} does not steer features: write lists named {', '.join(_LISTS)}.")
    unknown = [str(key) for key in data if key not in _LISTS]
    if unknown:
        raise PipelineError(f"{path}: {unknown[0]} is no list of a features file; the lists are {', '.join(_LISTS)}.")
    steering = Steering(**{name: tuple(dict.fromkeys(_texts(data.get(name), name, path))) for name in _LISTS})
    for name in ("force", "add"):
        clash = next((text for text in getattr(steering, name) if steering.forbids(parse(text))), None)
        if clash is not None:
            raise PipelineError(
                f"{path}: {clash} is under {name}, but forbid rules it out: take it from one of the two lists."
            )
    return steering


def _texts(value: Any, name: str, path: Path) -> Iterator[str]:
    """Canonical texts of one list."""
    if value is not None and not isinstance(value, list):
        raise PipelineError(f"{path}: {name} is {value!r}, but must be a list: write one expression a line after '- '.")
    for item in value or []:
        if not isinstance(item, str):
            raise PipelineError(
                f"{path}: {name} has {item!r}, which is no text: write an expression such as count(city), in quotes."
            )
        try:
            node = _node(item)
        except PipelineError as error:
            raise PipelineError(f"{path}: {name}: {error}") from None
        if isinstance(node, Column) and name != "forbid":
            raise PipelineError(
                f"{path}: {name} has {item!r}, which is a column and no feature: write number({node}) for its value or "
                f"code({node}) for its category."
            )
        yield str(node)


def write_steering(path: Path, steering: Steering) -> None:
    """Write features.yaml, with a comment for each list, replacing `path` atomically.

    InputError where it cannot be written.
    """
    import yaml

    parts = [_HEAD]
    for name, comment in _LISTS.items():
        listed = yaml.safe_dump({name: list(getattr(steering, name))}, allow_unicode=True, width=10_000)
        parts.append(f"# {comment}\n{listed}")
    try:
        replace_file(path, "\n".join(parts))
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}): give another folder or make room.") from None
