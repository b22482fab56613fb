"""medalist, an autonomous agent for tabular competitions: the four packages of the root, under one import name."""
