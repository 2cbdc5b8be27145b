"""Random numbers, and the generators of seeds that they are drawn by."""

from fastrnn.core.seed_generator import SeedGenerator

__all__ = ["SeedGenerator"]
