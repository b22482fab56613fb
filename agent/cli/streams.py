"""Standard streams that never fail: a run goes on where the reader of its output, or its terminal, is gone."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO

from medalist.competitions.atomic import FULL


class TolerantStream:
    """A text stream that discards what is written once its reader or its terminal is gone.

    Where the disk is full it raises OSError, once: the output that was asked for is incomplete.
    """

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Discard whatever is written from now on, also at the interpreter's exit."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        if error.errno in FULL:
            raise error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def make_streams_tolerant() -> None:
    """Make the standard streams of this process accept any text, whatever their encoding, and discard it where they
    fail (see `TolerantStream`).

    One that was closed when the process started is opened on the null device, so that no file gets its number.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name) or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open to the end
        stream.reconfigure(errors="backslashreplace")
        setattr(sys, name, TolerantStream(stream))
