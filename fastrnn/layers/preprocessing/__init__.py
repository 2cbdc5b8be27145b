"""Layers that turn texts, categories and numbers into what models take; none has weights."""
