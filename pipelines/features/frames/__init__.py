"""The rows of train and test as operators compute with them: numbers, keys, dates, texts, orders, joins, targets."""
