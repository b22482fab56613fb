"""What a run's numbers depend on beside its data: the versions of Python, packages and medalist, and the machine."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib import metadata
from pathlib import Path

from medalist import competitions  # any package of it: the facade medalist itself imports what is above this one

PACKAGES = (
    "numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "joblib", "threadpoolctl", "lightgbm", "catboost",
    "xgboost-cpu", "xgboost", "torch", "tabm",
)  # fmt: skip


def software() -> dict[str, str]:
    """Versions by name: python, medalist, a hash of medalist's source, and of the PACKAGES those that are installed."""
    versions = {"python": platform.python_version(), "medalist": _version("medalist"), "source": source_hash()}
    versions |= {name: _version(name) for name in PACKAGES}
    return {name: version for name, version in versions.items() if version}


def machine() -> dict[str, str]:
    """The operating system, its C library, the processor, and how many cores this process may use."""
    import joblib

    return {
        "system": f"{platform.system()} {platform.machine()}",
        "libc": " ".join(platform.libc_ver()).strip(),
        "processor": _processor(),
        "cores": str(joblib.cpu_count()),
    }


def source_hash() -> str:
    """16 hexadecimal digits for the source of medalist: the names and contents of all its modules."""
    root = Path(competitions.__file__).parents[1]
    digest = hashlib.sha256()
    modules = [
        Path(folder) / name
        for folder, _, names in os.walk(root, followlinks=True)
        for name in names
        if name.endswith(".py")
    ]
    for module in sorted(modules):
        digest.update(f"{module.relative_to(root).as_posix()}\n".encode())
        digest.update(module.read_bytes())
    return digest.hexdigest()[:16]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    """The model of the processor, where the system says it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
            return next(names, platform.processor())
    except OSError:
        return platform.processor()
