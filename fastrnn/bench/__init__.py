"""Benchmarks: cases, clocks, limits of the machine."""
