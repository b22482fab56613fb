"""What `import medalist` offers: runs, their results as tables, and scikit-learn estimators."""
