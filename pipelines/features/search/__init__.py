"""The search for features: candidates, their screening on the residual of a model, and the choice among them."""
