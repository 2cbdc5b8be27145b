"""Reshaping, padding and cropping."""
