"""Looking at a fitted model from outside."""
