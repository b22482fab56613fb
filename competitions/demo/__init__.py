"""The embedded demonstration competition, generated with a fixed seed."""
