"""What earlier competitions taught."""
