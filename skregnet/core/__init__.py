"""The engine: layers, losses, penalties and the objective, on NumPy and SciPy alone."""
