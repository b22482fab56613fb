"""The search for features: candidates, screening on a residual, and choosing among what passed."""
