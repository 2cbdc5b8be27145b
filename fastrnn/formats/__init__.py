"""Files of models and weights: how they are read and written."""
