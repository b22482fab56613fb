"""Imported once by the fork server, so that every child process starts with the scientific stack in place."""

import lightgbm  # noqa: F401
import pyarrow.feather  # noqa: F401

import medalist.agent.workers.child
import medalist.pipelines.estimators.registry  # noqa: F401
