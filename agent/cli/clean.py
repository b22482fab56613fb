"""`medalist clean`: free disk space, with a dry run first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from medalist.agent.cli.options import AsJson, OptionalText, RunsDir
from medalist.agent.cli.printing import print_json, print_table, print_text, print_wrapped
from medalist.agent.cli.to_show import elsewhere, refuse_missing_folder, why_no_ledger
from medalist.agent.lineage.disk import Kept, Removal, age_text, parse_age, parse_size, size_text
from medalist.competitions.errors import BudgetError


def clean(
    keep: Annotated[
        str, typer.Option(metavar="TIME", help="How long after their last use caches and runs stay: 30d, 12h.")
    ] = "30d",
    runs: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="How many of the newest runs of each competition stay whole.", show_default=False
        ),
    ] = None,
    size: Annotated[
        OptionalText,
        typer.Option(metavar="SIZE", help="How much all may take together: 20G, 500M.", show_default=False),
    ] = None,
    downloads: Annotated[
        bool, typer.Option("--downloads", help="Also Kaggle's downloads, which lineages may need.")
    ] = False,
    whole_runs: Annotated[
        bool, typer.Option("--whole-runs", help="Old runs with their submissions and lineages, too.")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Remove it; else nothing is removed.")] = False,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Say what could be removed from the disk and what needs the rest; remove it with --apply."""
    from medalist.agent.lineage.clean import Wishes, plan
    from medalist.agent.lineage.clean import apply as remove

    if runs is not None and runs < 0:
        raise BudgetError("--runs is a number of runs to keep: give 0 or more.")
    wanted = None if size is None else parse_size(size)
    refuse_missing_folder(runs_dir)
    place = Path(runs_dir)
    made = plan(place, Wishes(parse_age(keep), runs, wanted, downloads, whole_runs))
    done, left = remove(made, place) if apply else ([], [])
    if json:
        print_json(_document(made, done, left, apply))
        return
    if not made.total and (missing := why_no_ledger(runs_dir)):
        print_wrapped(f"{missing}, and there is nothing to remove.{elsewhere(runs_dir)}")
        return
    _list("to remove" if not apply else "removed", done if apply else made.removals)
    for one in left:
        print_text(f"not removed: {one.what}, {size_text(one.size)}: {one.why}")
    _kept(made.kept)
    freed = sum(removal.size for removal in (done if apply else made.removals))
    if apply:
        print_text(f"\n{size_text(freed)} of {size_text(made.total)} were freed.")
    elif freed:
        print_text(f"\n{size_text(freed)} of {size_text(made.total)} would be freed. --apply removes it.")
    else:
        print_text(f"\nNothing of {size_text(made.total)} would be removed; a shorter --keep or a --size removes more.")
    if wanted is not None and made.total - made.freed > wanted:
        rest = size_text(made.total - made.freed)
        print_text(f"{rest} remain, more than --size: the rest is needed, as said above, or has to go by hand.")


def _list(title: str, removals: Sequence[Removal]) -> None:
    if not removals:
        return
    rows = [(r.kind, size_text(r.size), age_text(r.used), r.what, r.loses) for r in removals]
    print_table((title, "size", "last used", "what", "what is lost"), rows, right=(1,))
    sums: Counter[str] = Counter()
    for removal in removals:
        sums[removal.kind] += removal.size
    print_text("\n" + ", ".join(f"{kind} {size_text(total)}" for kind, total in sums.most_common()))


def _kept(kept: Sequence[Kept]) -> None:
    shown = [k for k in kept if k.size]
    if shown:
        print_text("")
        print_table(("kept", "size", "why"), [(k.what, size_text(k.size), k.why) for k in shown], right=(1,))


def _document(made: Any, done: Sequence[Removal], left: Sequence[Kept], applied: bool) -> dict[str, Any]:
    """Plain values for JSON."""

    def plain(removal: Removal) -> dict[str, Any]:
        claim = None if removal.claim is None else str(removal.claim)
        return asdict(removal) | {"paths": [str(path) for path in removal.paths], "claim": claim}

    return {
        "applied": applied,
        "bytes": made.total,
        "freed": sum(r.size for r in (done if applied else made.removals)),
        "removals": [plain(r) for r in (done if applied else made.removals)],
        "not_removed": [asdict(k) for k in left],
        "kept": [asdict(k) for k in made.kept],
    }
