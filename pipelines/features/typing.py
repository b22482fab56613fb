"""Types of expressions: whether an expression can be computed from the columns of a schema."""

from __future__ import annotations

from collections.abc import Sequence

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.language.expression import INFIX, Column, Feature, Node
from medalist.pipelines.features.language.registry import kind_of, operator_of
from medalist.pipelines.features.schema import USES, Schema

_WORDS = {
    "number": "a number",
    "key": "a key",
    "date": "a date",
    "text": "text",
    "order": "a number or a date that orders the rows",
    "sparse": "a sparse feature such as tfidf(text)",
    "table": "a column of a further table",
    "whole": "a whole number written out",
    "literal": "a number written out",
}
MOST_KEYS = 4  # keys after `by`, at most


def check(feature: Feature, schema: Schema) -> Feature:
    """Return the feature if it is well-typed for these columns; raise PipelineError with the reason if not."""
    _check(feature, schema, feature)
    return feature


def _check(node: Feature, schema: Schema, whole: Feature) -> None:
    operator = operator_of(node)
    shown = f"{node.op}({', '.join(operator.takes)})" if node.op not in INFIX else f"a {INFIX[node.op]} b"
    required = [t for t in operator.takes if not t.endswith("?")]
    variadic = [i for i, t in enumerate(operator.takes) if t.endswith("+")]
    if len(node.args) < len(required) or (len(node.args) > len(operator.takes) and not variadic):
        count = f"{len(node.args)} argument" + ("" if len(node.args) == 1 else "s")
        raise PipelineError(f"{node} has {count}: write it as {shown}.")
    if node.by and operator.grouped is False:
        raise PipelineError(f"{node}: {node.op} looks at no groups, so leave out `by`.")
    if not node.by and operator.grouped is True:
        raise PipelineError(f"{node} needs groups: write {node} by a key.")
    if len(node.by) > MOST_KEYS:
        raise PipelineError(f"{node} has {len(node.by)} keys: name at most {MOST_KEYS}.")
    for arg, kind in zip(node.args, _spread(operator.takes, len(node.args)), strict=True):
        uses = _uses(arg, schema, whole)
        if kind not in uses:
            hint = ": take its month, hour or elapsed" if "date" in uses and kind == "number" else ""
            raise PipelineError(
                f"{node.op} in {whole} needs {_WORDS[kind]}, but {arg} is {_uses_in_words(uses)}{hint}."
            )
    for key in node.by:
        if not {"key", "table"} & _uses(key, schema, whole):
            raise PipelineError(f"{key} in {whole} is no key.")
    _check_join(node, schema, whole)
    below = [a for a in (*node.args, *node.by) if isinstance(a, Feature)]
    if operator.kind != "stateless" and any(kind_of(a) == "supervised" for a in below):
        raise PipelineError(
            f"{node.op} in {whole} looks at many rows, so it cannot be computed from what was made with the target."
        )


def _check_join(node: Feature, schema: Schema, whole: Feature) -> None:
    """Raise PipelineError where the keys of a node cannot join its further table, or name one that it does not use."""
    measured = [a.table for a in node.args if isinstance(a, Column) and a.table is not None]
    table_keys = [k for k in node.by if isinstance(k, Column) and k.table is not None]
    row_keys = [k for k in node.by if k not in table_keys]
    if not measured:
        if table_keys:
            raise PipelineError(
                f"{table_keys[0]} in {whole} is of a further table: group by columns of train and test."
            )
        return
    table = measured[0]
    if table_keys and (len(table_keys) > 1 or len(row_keys) != 1 or table_keys[0].table != table):
        raise PipelineError(
            f"{whole} pairs its keys unclearly: give one key and one column of {table}, as in by key, {table}.key."
        )
    for key in row_keys:
        if not table_keys and not (isinstance(key, Column) and key.name in schema.tables[table]):
            raise PipelineError(f"{table} has no column {key} for {whole}: name its key, as in by {key}, {table}.key.")


def _uses_in_words(uses: frozenset[str]) -> str:
    """What something may be used as, in words."""
    if {"literal", "whole"} & uses:
        return "a number"
    return " or ".join(_WORDS.get(u, u) for u in sorted(uses - {"order"} or uses))


def _spread(takes: Sequence[str], count: int) -> list[str]:
    """The type of each of `count` arguments; types after a repeated one are those of the last arguments."""
    out: list[str] = []
    for i, kind in enumerate(takes):
        rest = len(takes) - i - 1
        out += [kind.rstrip("?+")] * (count - len(out) - rest if kind.endswith("+") else 1)
    return out[:count]


def _uses(node: Node, schema: Schema, whole: Feature) -> frozenset[str]:
    """The argument types as which a node of the feature `whole` may be used. PipelineError where it is not
    well-typed."""
    if isinstance(node, int | float):
        return frozenset({"whole", "literal", "number"} if isinstance(node, int) else {"literal", "number"})
    if isinstance(node, Column):
        columns = schema.columns if node.table is None else schema.tables.get(node.table)
        if columns is None:
            names = ", ".join(schema.tables) or "none"
            raise PipelineError(f"There is no further table {node.table!r} for {whole}; there are: {names}.")
        if node.name not in columns:
            raise PipelineError(f"There is no column {node} for {whole}; the columns are {', '.join(columns)}.")
        return frozenset({"table"}) if node.table is not None else USES[columns[node.name]]
    _check(node, schema, whole)
    gives = operator_of(node).gives
    if gives == "number":
        return frozenset({"number", "key", "order"})
    if gives == "category":
        return frozenset({"key", "number"} if operator_of(node).ordered else {"key"})
    # one column per target: a number where there is one target
    return (
        frozenset({"number"}) if gives == "numbers" and operator_of(node).kind == "supervised" else frozenset({gives})
    )
