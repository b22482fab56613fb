"""The command line: a file for each command. No other package imports it."""
