"""Where the experiments of a run run: in child processes here, or on the nodes of a cluster."""

from __future__ import annotations

from medalist.agent.config import RunConfig
from medalist.agent.workers.pool import WorkerPool


def pool_of(config: RunConfig) -> WorkerPool:
    """The pool that a configuration asks for, which warms up already. ClusterError where its cluster cannot be
    used."""
    pool: WorkerPool
    if config.cluster is not None:
        from medalist.agent.workers.cluster.pool import ClusterWorkers

        pool = ClusterWorkers(config.cluster, most=config.threads, steady=config.counted, artifacts=config.artifacts)
    else:
        from medalist.agent.workers.local import Workers

        pool = Workers(config.threads or _cores(), memory=config.memory)
    pool.warm_up()
    return pool


def _cores() -> int:
    """Cores that this process may use: what its affinity and its container allow."""
    import joblib

    return int(joblib.cpu_count())
