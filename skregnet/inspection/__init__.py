"""Looking into a model from outside: the gradient check that a user runs."""
