"""Dense, Embedding, Input and other basic layers."""
