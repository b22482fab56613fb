"""Reading tables: files in folders and archives, encodings and separators, large files and their cache.

Every other sub-package of `competitions` may import it.
"""
