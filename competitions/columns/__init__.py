"""What a column means, from its values: its kind, its dates, its drift between train and test.

Every sub-package of `competitions` may import it but `tables` and `layout`, which are layers below.
"""
