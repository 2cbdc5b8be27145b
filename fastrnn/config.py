"""Global settings: the default float type, the engine, its threads and its instruction set.

Environment variables, read once at import; a wrong value is a ``ValueError`` where the setting is
first used:

- ``FASTRNN_ENGINE``: ``auto`` (default), ``reference``, ``blas`` or ``fused``.
- ``FASTRNN_NUM_THREADS``: threads of the fused engine; by default the CPUs of this process.
- ``FASTRNN_ISA``: ``generic``, ``avx2``, ``avx512`` or ``neon``, to use less than the CPU has.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable
from pathlib import Path

from fastrnn.core import errors
from fastrnn.core.checks import to_choice
from fastrnn.core.dtype_policy import HALF_TYPES, DTypePolicy, name_of, to_float_type
from fastrnn.core.user_warnings import warn
from fastrnn.typing import DTypeLike

ENGINES = ("auto", "reference", "blas", "fused")
ISAS = ("auto", "generic", "avx2", "avx512", "neon")
MAX_THREADS = 256
_THREADS = f"an integer from 1 to {MAX_THREADS}"

_floatx = "float32"
_policy: DTypePolicy | None = None  # as floatx says
_epsilon = 1e-7
_image_data_format = "channels_last"
_interactive_logging = True
_engine = "auto"
_num_threads: int | None = None
_isa = "auto"
# What is wrong with a variable of the environment, by the setting that it should give.
_wrong: dict[str, str] = {}


def floatx() -> str:
    """Return the default float type of layers, ``"float32"`` unless changed.

    >>> import fastrnn
    >>> fastrnn.config.floatx()
    'float32'
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float type of layers that are made from now on.

    Args:
        value: ``"float32"`` or ``"float64"``.

    Raises:
        ValueError: ``value`` is another type.
    """
    global _floatx
    _floatx = standard_float_type("value", value)


def standard_float_type(argument: str, value: object) -> str:
    """Return the type of floats that a name, a type or a policy means.

    Types with half as many bits are computed in float32, with a warning.

    Raises:
        ValueError: ``value`` is no type of floats.
    """
    name = name_of(value)
    if name in HALF_TYPES:
        warn(f"{name} is not there: it is computed in float32, as exactly and on any CPU.")
    return to_float_type(argument, value)


def dtype_policy() -> DTypePolicy:
    """Return the policy of layers that are given none: what was set, or that of ``floatx``.

    >>> import fastrnn
    >>> fastrnn.config.dtype_policy()
    <DTypePolicy "float32">
    """
    return DTypePolicy(_floatx) if _policy is None else _policy


def set_dtype_policy(policy: str | DTypePolicy) -> None:
    """Set the policy of layers that are made from now on and given no ``dtype``.

    Args:
        policy: a policy or its name; half-precision ones are computed in float32, with a warning.

    Raises:
        ValueError: there is no such policy.
    """
    global _policy
    standard_float_type("policy", policy)
    _policy = policy if isinstance(policy, DTypePolicy) else DTypePolicy(str(name_of(policy)))


def layer_dtype(dtype: DTypeLike | DTypePolicy = None) -> str:
    """Return the type of a layer that is given ``dtype``; ``None`` is the policy in force."""
    if dtype is None:
        return _floatx if _policy is None else _policy.variable_dtype
    return standard_float_type("dtype", dtype)


def backend() -> str:
    """Return the name of what computes: ``"numpy"``."""
    return "numpy"


def image_data_format() -> str:
    """Return the order of axes of layers that are given none: ``"channels_last"`` unless set."""
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the order of axes of layers that are given none.

    Raises:
        ValueError: neither ``"channels_last"`` nor ``"channels_first"``.
    """
    global _image_data_format
    known = ("channels_last", "channels_first")
    _image_data_format = to_choice("data_format", data_format, known)


def is_interactive_logging_enabled() -> bool:
    """Return whether ``fit`` shows its progress where ``verbose="auto"``."""
    return _interactive_logging


def enable_interactive_logging() -> None:
    """Let ``fit`` show its progress where ``verbose="auto"``."""
    _set_interactive_logging(True)


def disable_interactive_logging() -> None:
    """Let ``fit`` print one line an epoch where ``verbose="auto"``, as for a log."""
    _set_interactive_logging(False)


def _set_interactive_logging(value: bool) -> None:
    global _interactive_logging
    _interactive_logging = value


def is_traceback_filtering_enabled() -> bool:
    """Return ``False``: tracebacks are whole."""
    return False


def enable_traceback_filtering() -> None:
    """Do nothing: tracebacks are short, and stay whole."""


def disable_traceback_filtering() -> None:
    """Do nothing: tracebacks are whole."""


def epsilon() -> float:
    """Return the fuzz factor that guards divisions and logarithms, ``1e-7`` unless changed."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the fuzz factor that losses and metrics use from now on."""
    global _epsilon
    _epsilon = float(value)


def engine() -> str:
    """Return the engine in force: ``"auto"``, or the one that was forced.

    Raises:
        ValueError: ``FASTRNN_ENGINE`` names no engine, and none was set since.
    """
    _require_right("engine")
    return _engine


def set_engine(name: str) -> None:
    """Choose the engine that computes recurrent layers.

    Args:
        name: ``"auto"`` lets each call use the fastest engine that can compute it.
            ``"reference"``, ``"blas"`` and ``"fused"`` force one; a call that the forced engine
            cannot compute then raises ``ValueError`` instead of falling back.

    Raises:
        ValueError: no engine has this name.
    """
    global _engine
    _engine = to_choice("name", name, ENGINES)
    _wrong.pop("engine", None)


def isa() -> str:
    """Return the instruction set in force: ``"auto"``, the best one, or the one that was set.

    Raises:
        ValueError: ``FASTRNN_ISA`` names no instruction set, and none was set since.
    """
    _require_right("isa")
    return _isa


def set_isa(name: str) -> None:
    """Choose the instruction set of the fused engine.

    Args:
        name: ``"auto"`` uses the best one that the CPU has. ``"generic"``, ``"avx2"``,
            ``"avx512"`` and ``"neon"`` force one; on a CPU that does not have it, every call of
            the fused engine is a ``ValueError``.

    Raises:
        ValueError: no instruction set has this name.
    """
    global _isa
    _isa = to_choice("name", name, ISAS)
    _wrong.pop("isa", None)


def recurrent_settings() -> tuple[str, str]:
    """Return what decides which kernel computes a recurrent call: engine and instruction set."""
    if _wrong:
        return engine(), isa()
    return _engine, _isa


def num_threads() -> int:
    """Return how many threads the fused engine may use for one call.

    Raises:
        ValueError: ``FASTRNN_NUM_THREADS`` is no number of threads, and none was set since.
    """
    if _wrong:
        _require_right("num_threads")
    return default_num_threads() if _num_threads is None else _num_threads


def set_num_threads(threads: int | None) -> None:
    """Set how many threads the fused engine may use for one call.

    Results are the same bits for any number. Calls whose work is small use fewer.

    Args:
        threads: from 1 to 256, or ``None`` for the default: the CPUs that this process may use.

    Raises:
        ValueError: another value.
    """
    global _num_threads
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and not (whole and 1 <= threads <= MAX_THREADS):
        raise ValueError(errors.bad_argument("threads", threads, f"{_THREADS}, or None"))
    _num_threads = threads
    _wrong.pop("num_threads", None)


@functools.cache
def default_num_threads() -> int:
    """Return the number of CPUs that this process may use, at least 1, at most 256."""
    affinity = getattr(os, "sched_getaffinity", None)
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cpus, _cgroup_cpus(), MAX_THREADS))


def _cgroup_cpus() -> int:
    """CPUs that a container's quota amounts to, rounded up; a large number without a quota."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no such file, or "max"
        return MAX_THREADS


def _require_right(setting: str) -> None:
    """Raise ``ValueError`` if the environment has a wrong value for a setting."""
    if setting in _wrong:
        raise ValueError(_wrong[setting])


def _read_environment() -> None:
    """Take the settings that the environment has; an empty variable is none."""
    values = {name: os.environ.get(f"FASTRNN_{name.upper()}") for name in _SETTERS}
    for setting, text in values.items():
        if not text:
            continue
        setter, expected = _SETTERS[setting]
        try:
            setter(int(text) if setting == "num_threads" and text.isdecimal() else text)
        except ValueError:
            remedy = f"Set or unset it before `import fastrnn`, or call config.set_{setting}."
            variable = f"FASTRNN_{setting.upper()}"
            _wrong[setting] = errors.bad_argument(variable, text, expected, remedy)


_SETTERS: dict[str, tuple[Callable[..., None], str]] = {
    "engine": (set_engine, f"one of {', '.join(map(repr, ENGINES))}"),
    "num_threads": (set_num_threads, _THREADS),
    "isa": (set_isa, f"one of {', '.join(map(repr, ISAS))}"),
}
_read_environment()
