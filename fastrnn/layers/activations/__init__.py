"""Activations with options of their own."""
