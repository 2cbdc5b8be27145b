"""Mixed precision: scripts that ask for it run, in float32.

>>> import warnings
>>> from fastrnn import mixed_precision
>>> with warnings.catch_warnings():
...     warnings.simplefilter("ignore")
...     mixed_precision.set_global_policy("mixed_float16")
>>> mixed_precision.global_policy().compute_dtype
'float32'
>>> mixed_precision.set_global_policy("float32")
"""

from fastrnn.config import dtype_policy, set_dtype_policy
from fastrnn.core.dtype_policy import DTypePolicy
from fastrnn.core.lazy import lazy_attributes
from fastrnn.core.old_paths import old_modules
from fastrnn.optimizers import LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

__path__: list[str] = []  # old modules stand below it
__getattr__ = lazy_attributes(__name__, old_modules(__name__))
