"""Stages of a data set: each goes over the elements of those before it, anew each time."""
