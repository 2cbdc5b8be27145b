"""`tf.test`: there is no GPU."""

from fastrnn.compat.tensorflow.names import attributes


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: object = None) -> bool:
    """Return False: fastrnn computes on the CPU."""
    return False


def gpu_device_name() -> str:
    """Return an empty name: there is no GPU."""
    return ""


is_built_with_cuda = is_built_with_gpu_support = is_built_with_rocm = is_gpu_available
__getattr__, __dir__ = attributes("test", {}, {})
