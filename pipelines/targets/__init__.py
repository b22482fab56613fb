"""Transformations of the target: scales, and values relative to the level or trend of a series. For `fitting`, and for
the agent, which tries them; uses features, `problem` and `scales`."""
