"""Dense, Embedding, Input and other basic layers."""

from fastrnn.core.old_paths import old_names

__getattr__ = old_names(__name__)
