"""Versions that results depend on, and where a node's differ from the head's."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "lightgbm",
    "catboost",
    "xgboost",
    "xgboost-cpu",
    "pyarrow",
    "torch",
    "tabm",
    "distributed",
)
SOURCE, PYTHON = "medalist's source", "Python"


def versions() -> dict[str, str]:
    """The versions here, by name: of Python (without its last part), of medalist with a hash of its source, and of
    packages; "none" for a package that is not installed."""
    found = {PYTHON: ".".join(map(str, sys.version_info[:2])), "machine": platform.machine()}
    for name in ("medalist", *PACKAGES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "none"
    found[SOURCE] = source_hash()
    return found


def source_hash() -> str:
    """12 hexadecimal digits for the source files of the package that this module belongs to."""
    root = Path(__file__).resolve().parents[3]
    digest = hashlib.sha256()
    for part in ("agent", "competitions", "leaderboard", "pipelines"):
        for path in sorted((root / part).rglob("*.py")):
            digest.update(f"{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def difference(node: str, theirs: Mapping[str, str], ours: Mapping[str, str]) -> str | None:
    """A sentence on the first version by which a node differs from the head, and what to do; None where none does."""
    for name, version in ours.items():
        if theirs.get(name, "none") != version:
            return (
                f"Node {node} has {name} {theirs.get(name, 'none')}, and this machine has {version}: results would "
                f"depend on where an experiment runs. Install the same on both, and start the node's worker again."
            )
    return None
