"""Models and weights of other systems."""
