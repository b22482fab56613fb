"""What a submission is made of, making it again from the raw files, and freeing disk space around it."""
