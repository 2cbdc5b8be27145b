"""Layers of Keras 1 and 2 that others are today."""
