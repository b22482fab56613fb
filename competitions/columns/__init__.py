"""What a column means, from its values: its kind, its dates, its drift between train and test.

Any other room may use it but `tables` and `layout`, which come before.
"""
