"""Types of expressions: whether an expression can be computed from the columns of a schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.language.expression import INFIX, Column, Feature, Node, home_of, in_table
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
    "table order": "a number or a date of a further table that orders its rows",
    "whole": "a whole number written out",
    "literal": "a number written out",
}
MOST_KEYS = 4  # keys after `by`, at most


def check(feature: Feature, schema: Schema) -> Feature:
    """Return the feature if it is well-typed for these columns; raise PipelineError with the reason if not."""
    _check(feature, schema, feature)
    if feature.home is not None:
        raise PipelineError(
            f"{feature} has a value for each row of {feature.home}: aggregate it, as in mean(table.column) by key."
        )
    return feature


def _check(node: Feature, schema: Schema, whole: Feature) -> None:
    if node.home is not None:
        _check_in_table(node, node.home, schema, whole)
        return
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
    _check_where(node, schema, whole)
    below = [a for a in (*node.args, *node.by) if isinstance(a, Feature)]
    if operator.kind != "stateless" and any(kind_of(a) == "supervised" for a in below):
        raise PipelineError(
            f"{node.op} in {whole} looks at many rows, so it cannot be computed from what was made with the target."
        )


def _check_in_table(node: Feature, table: str, schema: Schema, whole: Feature) -> None:
    """Raise PipelineError where a node that has a value for each row of a further table cannot be computed from its
    columns."""
    if table not in schema.tables:
        raise PipelineError(f"There is no further table {table!r} for {whole}; there are: {_names(schema.tables)}.")
    if not _is_of(node, table):
        raise PipelineError(f"{node} in {whole} mixes rows of different tables: aggregate one of them by a key first.")
    of_rows = in_table(node, table)
    assert isinstance(of_rows, Feature)
    _check(of_rows, Schema(schema.tables[table], schema.tables), whole)
    if kind_of(of_rows) == "supervised":
        raise PipelineError(f"{node} in {whole} uses the target, which the rows of {table} have not.")


def _is_of(node: Node, table: str) -> bool:
    """Whether all that a node is made from, but for what it aggregates, are columns of this further table."""
    if isinstance(node, Column):
        return node.table == table
    if not isinstance(node, Feature):
        return True
    times = [c.value for c in node.where if isinstance(c.value, Column)]
    if node.measured is None:
        return all(_is_of(part, table) for part in (*node.args, *node.by, *times))
    keys = [k for k in node.by if home_of(k) != node.measured]
    references = [a for a in node.args if isinstance(a, Column) and a.table != node.measured]
    return all(_is_of(part, table) for part in (*keys, *times, *references))


def _check_where(node: Feature, schema: Schema, whole: Feature) -> None:
    """Raise PipelineError where a condition of a node is not on its further table, or compares what cannot be
    compared."""
    for condition in node.where:
        column, value = condition.column, condition.value
        if node.measured is None or column.table != node.measured:
            raise PipelineError(f"{condition} in {whole} is no condition on a table that {node.op} looks at.")
        uses = USES[_type_of(column, schema, whole)]
        if isinstance(value, Column):
            if "order" in operator_of(node).takes:
                raise PipelineError(
                    f"{node.op} in {whole} looks back from the row's own time already: leave out {condition}."
                )
            of_row = USES[_type_of(value, schema, whole)]
            if not any({use, "order"} <= uses & of_row for use in ("date", "number")):
                raise PipelineError(f"{condition} in {whole} compares no two dates, and no two numbers.")
        elif condition.mark not in ("=", "!=") and "number" not in uses:
            raise PipelineError(f"{condition} in {whole} needs a number, but {column} is {_uses_in_words(uses)}.")


def _check_join(node: Feature, schema: Schema, whole: Feature) -> None:
    """Raise PipelineError where the keys of a node cannot join its further table, or name one that it does not use."""
    table_keys = [k for k in node.by if isinstance(k, Column) and k.table is not None]
    row_keys = [k for k in node.by if k not in table_keys]
    if node.measured is None:
        if table_keys:
            raise PipelineError(
                f"{table_keys[0]} in {whole} is of a further table: group by columns of train and test."
            )
        return
    table = node.measured
    if table_keys and (len(table_keys) > 1 or len(row_keys) != 1 or table_keys[0].table != table):
        raise PipelineError(
            f"{whole} pairs its keys unclearly: give one key and one column of {table}, as in by key, {table}.key."
        )
    for key in row_keys:
        if not table_keys and not (isinstance(key, Column) and key.name in schema.tables.get(table, ())):
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
        uses = USES[_type_of(node, schema, whole)]
        return uses if node.table is None else _of_table(uses)
    _check(node, schema, whole)
    gives = operator_of(node).gives
    if node.home is not None:
        if gives not in ("number", "category"):
            raise PipelineError(f"{node} in {whole} makes several columns and cannot be aggregated.")
        return _of_table(frozenset({"order"} if gives == "number" else ()))
    if gives == "number":
        return frozenset({"number", "key", "order"})
    if gives == "category":
        return frozenset({"key", "number"} if operator_of(node).ordered else {"key"})
    # one column per target: a number where there is one target
    return (
        frozenset({"number"}) if gives == "numbers" and operator_of(node).kind == "supervised" else frozenset({gives})
    )


def _of_table(uses: frozenset[str]) -> frozenset[str]:
    """The argument types as which a node of a further table may be used, from those that it has among its rows."""
    return frozenset({"table", "table order"}) if "order" in uses else frozenset({"table"})


def _type_of(column: Column, schema: Schema, whole: Feature) -> str:
    """The type of a column of the schema, a key of `USES`; PipelineError where there is none of that name."""
    columns = schema.columns if column.table is None else schema.tables.get(column.table)
    if columns is None:
        raise PipelineError(
            f"There is no further table {column.table!r} for {whole}; there are: {_names(schema.tables)}."
        )
    if column.name not in columns:
        raise PipelineError(f"There is no column {column} for {whole}; the columns are {', '.join(columns)}.")
    return columns[column.name]


def _names(tables: Iterable[str]) -> str:
    return ", ".join(tables) or "none"
