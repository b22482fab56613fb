"""The entry point of the command `medalist`: refuses systems it cannot run on before anything is imported."""

from __future__ import annotations

import os
import sys

NEEDS_POSIX = (
    "medalist runs on Linux and macOS: its processes are started by a fork server, which Windows does not have. "
    "Install WSL (`wsl --install`) and run medalist inside it."
)


def refusal(system: str = os.name) -> str | None:
    """Why medalist cannot run on a system of that name (`os.name`), and what to do; None where it can."""
    return None if system == "posix" else NEEDS_POSIX


def main() -> None:
    """The command line; exit code 2 and one sentence on a system without a fork server."""
    if (why := refusal()) is not None:
        print(why, file=sys.stderr)
        raise SystemExit(2)
    from medalist.agent.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
