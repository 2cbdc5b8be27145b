"""The blas engine: Cython over BLAS, on every CPU."""
