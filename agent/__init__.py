"""The agent: proposes, runs and judges experiments until the budget ends; and the command line.

Imports the three other packages.
"""
