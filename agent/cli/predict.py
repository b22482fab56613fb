"""`medalist predict`: predictions of further rows by the models of a run's submission."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medalist.agent.cli.options import AsJson, OptionalText, RunsDir, SubmissionArgument, Threads
from medalist.agent.cli.printing import print_json, print_text
from medalist.agent.cli.to_show import where_run_is
from medalist.competitions.errors import BudgetError


def predict(
    run: SubmissionArgument,
    rows: Annotated[str, typer.Argument(metavar="NEW.csv", help="The rows to predict.", show_default=False)],
    out: Annotated[
        OptionalText,
        typer.Option(help="The file to write; else predictions.csv beside the rows.", show_default=False),
    ] = None,
    path: Annotated[
        OptionalText, typer.Option(help="Where the competition is now, if it was moved.", show_default=False)
    ] = None,
    threads: Threads = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Predict further rows by the models of a run's submission, in the submission's form."""
    from medalist.agent.cli.reproduce import all_cores
    from medalist.agent.lineage.find import find
    from medalist.agent.using.predicting import predict_rows

    if threads is not None and threads < 1:
        raise BudgetError("At least one child process is needed: give --threads 1 or more.")
    place = Path(out) if out else Path(rows).with_name("predictions.csv")
    found = find(run, where_run_is(run, runs_dir))

    def tell(sentence: str) -> None:
        if not json:
            print_text(sentence)

    result = predict_rows(found, rows, place, path=path, cores=threads or all_cores(), tell=tell)
    if json:
        print_json(
            {
                "run": found.run,
                "competition": found.competition,
                "submission": found.sha256,
                "file": str(place),
                "rows": len(result.frame),
                "rows_of_test": result.known,
                "models_equal": result.equal,
                "versions": [str(difference) for difference in result.differing],
                "notes": list(result.notes),
                "seconds": round(result.seconds, 1),
            }
        )
        return
    for note in result.notes:
        print_text(note)
    if result.equal is False:
        why = "; ".join(map(str, result.differing)) or "medalist reproduce says where they begin to differ"
        print_text(f"The models are not those of the submission to the bit: {why}.")
    count = len(result.frame)
    print_text(
        f"{place}: {count} {'row' if count == 1 else 'rows'}, {result.known} of them of the run's test, "
        f"in {result.seconds:.0f} s."
    )
