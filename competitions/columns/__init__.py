"""What a column means, from its values: kind, date, drift between train and test."""
