"""Cross-validation folds that mirror how the organiser separated test from train, and the evidence for them."""
