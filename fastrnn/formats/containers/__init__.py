"""Containers: HDF5, npy, JSON, safetensors."""
