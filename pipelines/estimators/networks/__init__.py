"""Neural networks: scikit-learn's perceptrons by default, TabM where PyTorch is installed."""
