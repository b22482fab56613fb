"""`medalist why`: what a submission is made of."""

from __future__ import annotations

from shlex import quote
from typing import Any

from medalist.agent.cli.options import AsJson, RunsDir, SubmissionArgument
from medalist.agent.cli.printing import at, print_json, print_next
from medalist.agent.cli.to_show import where_run_is
from medalist.agent.lineage.explain import explained
from medalist.agent.lineage.find import find
from medalist.agent.lineage.tree import Branch, tree

WIDE = 10_000  # columns of lines that go into a file or a pipe


def why(submission: SubmissionArgument, runs_dir: RunsDir = "runs", json: AsJson = False) -> None:
    """Say what a submission is made of, down to the hashes of the files that it was made from."""
    runs_dir = where_run_is(submission, runs_dir)
    document = explained(find(submission, runs_dir))
    if json:
        print_json(document)
        return
    from medalist.agent.run.console import DataConsole

    console = DataConsole(highlight=False)
    if not console.is_terminal:
        console = DataConsole(highlight=False, width=WIDE)  # whoever reads it wants whole hashes, each on one line
    console.print(_drawn(tree(document)))
    print_next((f"medalist reproduce {quote(submission)}{at(runs_dir)}", "make it again, and compare bytes"))


def _drawn(branch: Branch) -> Any:
    """The tree as rich draws it."""
    from rich.text import Text
    from rich.tree import Tree

    from medalist.agent.run.printable import printable_line

    drawn = Tree(Text(printable_line(branch.text)))

    def fill(place: Any, below: list[Branch]) -> None:
        for one in below:
            fill(place.add(Text(printable_line(one.text))), one.below)

    fill(drawn, branch.below)
    return drawn
