"""`tf.config`: one CPU, and its threads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import NamedTuple

from fastrnn import config
from fastrnn.compat.tensorflow.control import no_op
from fastrnn.compat.tensorflow.names import attributes
from fastrnn.compat.tensorflow.session import Settings


class PhysicalDevice(NamedTuple):
    """A device that is there."""

    name: str
    device_type: str


LogicalDevice = PhysicalDevice
LogicalDeviceConfiguration = VirtualDeviceConfiguration = Settings


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """Return the devices of a type: the CPU, and no other.

    >>> list_physical_devices("GPU")
    []
    """
    cpu = PhysicalDevice("/physical_device:CPU:0", "CPU")
    return [cpu] if device_type in (None, "CPU") else []


list_logical_devices = get_visible_devices = list_physical_devices


def functions_run_eagerly() -> bool:
    """Return True: functions run as they stand."""
    return True


def _set_threads(num_threads: int) -> None:
    config.set_num_threads(num_threads or None)


set_visible_devices = set_soft_device_placement = run_functions_eagerly = no_op
experimental_run_functions_eagerly = experimental_connect_to_cluster = no_op
set_logical_device_configuration = no_op
threading = SimpleNamespace(
    set_intra_op_parallelism_threads=_set_threads,
    set_inter_op_parallelism_threads=no_op,
    get_intra_op_parallelism_threads=config.num_threads,
)
optimizer = SimpleNamespace(set_jit=no_op, set_experimental_options=no_op, get_jit=lambda: "")
experimental = SimpleNamespace(
    list_physical_devices=list_physical_devices,
    list_logical_devices=list_physical_devices,
    get_visible_devices=list_physical_devices,
    set_visible_devices=no_op,
    set_memory_growth=no_op,
    get_memory_growth=lambda device: False,
    set_virtual_device_configuration=no_op,
    VirtualDeviceConfiguration=Settings,
    enable_tensor_float_32_execution=no_op,
    enable_op_determinism=no_op,
    enable_mlir_graph_optimization=no_op,
    set_synchronous_execution=no_op,
)
__getattr__, __dir__ = attributes("config", {}, {})
