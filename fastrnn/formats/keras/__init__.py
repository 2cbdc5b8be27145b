"""Keras's files, today's and those of older versions."""
