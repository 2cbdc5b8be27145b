"""How tests run the fused engine: each variant, any number of threads."""

import contextlib

from fastrnn import config
from fastrnn.engines.fused import engine as fused

ISAS = fused.usable_isas()
# Threads, and what they share: rows (1) or the units of each step (2), however small the work.
SHARINGS = ((2, 1), (3, 1), (2, 2), (3, 2), (7, 2))


@contextlib.contextmanager
def settings(isa="auto", threads=1, force_parallel=0):
    config.set_isa(isa)
    config.set_num_threads(threads)
    fused.set_force_parallel(force_parallel)
    try:
        yield
    finally:
        config.set_isa("auto")
        config.set_num_threads(None)
        fused.set_force_parallel(0)
