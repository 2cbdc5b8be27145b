"""Layers of several inputs, and operators."""
