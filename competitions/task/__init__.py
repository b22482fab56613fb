"""The task: ids, targets, problem type, metric and folds; inferred from the data, or read from task.yaml.

`audit` and `inspection.py` use it, and the packages above.
"""
