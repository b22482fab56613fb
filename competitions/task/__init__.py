"""The task: ids, targets, problem type, metric and folds; inferred from the data, or read from task.yaml."""
