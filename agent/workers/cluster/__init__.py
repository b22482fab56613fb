"""Workers on the nodes of a Dask cluster: the head's pool, and what runs on a node."""
