"""What to try next: each file proposes one kind of experiment; the policy ranks them."""
