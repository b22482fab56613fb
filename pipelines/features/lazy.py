"""numpy and pandas, each imported when it is first used.

Operators are declared beside the functions that compute them. With these two names the declarations, and so whatever
reads, prints or explains features, are loaded in milliseconds and without numpy. Nothing that is imported with
`medalist.pipelines.features` may use either while it is being imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


class LazyModule:
    """A proxy of the module of a name, which is imported when the first of its attributes is read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
else:
    np, pd = LazyModule("numpy"), LazyModule("pandas")

__all__ = ["np", "pd"]
