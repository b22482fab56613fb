"""The agent: decides what to try, what to believe and when to stop; and the command line.

Imports the three other packages.
"""
