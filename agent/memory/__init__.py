"""Experience from earlier competitions."""
