"""The fused engine: the C core of src_c."""
