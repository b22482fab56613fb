"""What each file of a competition is for: train, test, sample submission, labels, further tables, description."""
