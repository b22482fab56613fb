"""Estimator families, one file (or folder) each, behind one interface. Used by `fitting` and by the agent."""
