"""Reading tables: files in folders and archives, encodings and separators, large files and their cache.

Any other room of `competitions` may use it.
"""
