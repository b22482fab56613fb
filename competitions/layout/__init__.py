"""What each file of a competition is: train, test, sample submission, labels, further table, description.

`competition.py` uses it to read a folder, and `task` to match rows by their ids.
"""
