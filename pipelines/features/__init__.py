"""Features: expressions over columns, how they are computed and stored, and the search for new ones.

Importing it registers the operators, which all of the language needs; neither numpy nor pandas is loaded.
"""

from medalist.pipelines.features import operators as operators
