"""Pooling over time."""
