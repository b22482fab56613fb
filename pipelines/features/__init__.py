"""Features: expressions over columns, how they are computed and stored, and the search for new ones."""
