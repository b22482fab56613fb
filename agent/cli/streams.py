"""Standard streams that take any text: whoever reads what a run prints may go away, the run goes on."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, TextIO

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class TolerantStream:
    """A text stream whose writes end nowhere once its reader or its terminal is gone.

    A disk that is full raises OSError once, since then what was asked for is not there.
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
        """Let whatever is still written, by the interpreter's exit too, end nowhere."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        if error.errno in FULL:
            raise error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def make_streams_tolerant() -> None:
    """Make the standard streams of this process take any text, whatever their encoding, and never raise.

    One that was closed by whoever started the process is opened on nothing, so that no file takes its number.
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
