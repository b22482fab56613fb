"""Reading tables: folders and archives, encodings and separators, large files and their cache.

Used by every other room of `competitions`.
"""
