"""What to believe: scoring, comparing and combining finished experiments. Does no I/O."""
