"""Dispatch: picks the engine of a call by a rule, and runs it.

Sizes: B batch, T timesteps, F features, H units, G gates (see ``cells``).
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import config
from fastrnn.core import errors
from fastrnn.engines.contract import (
    RecurrentCall,
    RecurrentGradients,
    Workspace,
)

Array = npt.NDArray[Any]

_ENGINE_MODULES = {
    "reference": "fastrnn.engines.reference",
    "blas": "fastrnn.engines.blas.engine",
    "fused": "fastrnn.engines.fused.engine",
}
# The activations that the fused engine has; blas has every one of Keras's.
FUSED_ACTIVATIONS = frozenset({"linear", "tanh", "sigmoid", "relu", "hard_sigmoid"})


def choose_engine(call: RecurrentCall) -> str:
    """Return the name of the engine that computes ``call``.

    The rule: a forced engine (``config.set_engine``) if there is one; else ``fused`` if it has
    both activations, ``blas`` if they are Keras's, and ``reference`` for a user's own. ``blas`` has
    no quantized weights.

    Raises:
        ValueError: the forced engine cannot compute the call.
    """
    forced = config.engine()
    able = [name for name in ("fused", "blas", "reference") if _has_activations(name, call)]
    if forced == "auto":
        return able[0]
    if forced not in able and call.quantized is not None and forced == "blas":
        expected = "reference, fused or auto, for quantized weights"
        raise ValueError(errors.bad_argument("engine", forced, expected))
    if forced not in able:
        raise ValueError(
            errors.bad_argument(
                "activation",
                (call.activation.name, call.recurrent_activation.name),
                f"activations that the {forced} engine has",
                "Call fastrnn.config.set_engine('auto').",
            )
        )
    return forced


def _has_activations(engine: str, call: RecurrentCall) -> bool:
    """Whether the engine is part of this build and computes both activations of ``call``."""
    pair = (call.activation, call.recurrent_activation)
    if engine == "reference":
        return True
    if engine == "blas":
        return call.quantized is None and all(a.builtin for a in pair)
    return _is_built("fused") and all(a.builtin and a.name in FUSED_ACTIVATIONS for a in pair)


@functools.cache
def _is_built(engine: str) -> bool:
    return importlib.util.find_spec(_ENGINE_MODULES[engine]) is not None


Forward = tuple[Array, tuple[Array, ...], Workspace | None]
Backward = tuple[Workspace, Array | None, Sequence[Array | None]]


def rnn_forward(call: RecurrentCall) -> Forward:
    """Run a recurrent cell over a batch of sequences.

    Returns:
        ``outputs, states, workspace``: outputs (B, T, H) or (B, H), the final states, (B, H) each,
        and the workspace for ``rnn_backward``, or ``None`` where ``call.save`` is false.

    Raises:
        ValueError: a shape or a dtype does not fit the others.
    """
    engine = choose_engine(call)
    outputs, states, saved = _engine(engine).forward(call)
    return outputs, states, Workspace(engine, saved) if call.save else None


def rnn_forward_side_by_side(calls: Sequence[RecurrentCall]) -> list[Forward]:
    """Run several calls that do not wait for each other, as ``rnn_forward`` runs each.

    The fused engine computes them at the same time, on the threads that there are.
    """
    engines = [choose_engine(call) for call in calls]
    dtypes = {call.x.dtype for call in calls}
    quantized = {call.quantized is not None for call in calls}
    if set(engines) == {"fused"} and len(dtypes) == 1 and len(quantized) == 1:
        results = _engine("fused").forward_side_by_side(calls)
    else:
        results = [_engine(e).forward(call) for e, call in zip(engines, calls, strict=True)]
    return [
        (outputs, states, Workspace(engine, saved) if call.save else None)
        for engine, call, (outputs, states, saved) in zip(engines, calls, results, strict=True)
    ]


Inference = Callable[[Array], Array | None]


def rnn_inference(call: RecurrentCall) -> Inference | None:
    """Return a fast path to the outputs of calls that differ from ``call`` in their inputs alone.

    Returns:
        A function of inputs (B, T, F) that gives the outputs, or ``None`` for inputs that need
        ``rnn_forward``; or ``None`` where the engine of the call has no such way. It computes
        without mask, with initial states of zero, and on the weights as they then are.
    """
    if choose_engine(call) != "fused" or call.mask is not None or call.save:
        return None
    inference: Inference = _engine("fused").Inference(call)
    return inference


Step = tuple[Array, list[Array]]


def step_inference(call: RecurrentCall) -> Callable[[Array, Any], Step | None] | None:
    """Return a quick way to single steps of the cell of ``call``, whose inputs do not matter.

    Returns:
        A function of inputs (B, F) and a list of states (B, H), which gives the output and the list
        of new states, or ``None`` for arguments that need ``rnn_forward``; or ``None`` where the
        engine of the call has no such way. It computes on the weights as they then are.
    """
    if choose_engine(call) != "fused" or call.save or call.input_dropout is not None:
        return None
    inference: Callable[[Array, Any], Step | None] = _engine("fused").StepInference(call)
    return inference


def rnn_backward(
    workspace: Workspace, d_outputs: Array | None, d_states: Sequence[Array | None]
) -> RecurrentGradients:
    """Carry gradients back through the pass that made ``workspace``.

    Args:
        workspace: from ``rnn_forward``; may be used more than once.
        d_outputs: gradient of the outputs, of their shape; ``None`` means zero.
        d_states: gradient of each final state, (B, H); ``None`` means zero.
    """
    return rnn_backward_side_by_side([(workspace, d_outputs, d_states)])[0]


def rnn_backward_side_by_side(passes: Sequence[Backward]) -> list[RecurrentGradients]:
    """Carry gradients back through several passes: the arguments of ``rnn_backward`` for each."""
    arguments = [(w.saved, d_outputs, tuple(d_states)) for w, d_outputs, d_states in passes]
    engines = [workspace.engine for workspace, _, _ in passes]
    if len(passes) > 1 and set(engines) == {"fused"}:
        return list(_engine("fused").backward_side_by_side(arguments))
    return [_engine(e).backward(*given) for e, given in zip(engines, arguments, strict=True)]


# numpy's BLAS computes what is less than this in the calling thread: products of matrices, and
# those with one row or one column, by the number of multiplications.
_SMALL_PRODUCT, _SMALL_VECTOR_PRODUCT = 262144, 9216


def matmul(a: Array, b: Array, bias: Array | None = None) -> Array:
    """Return ``a @ b + bias``, for the layers beside the recurrent ones.

    Work for several threads goes to those of the fused engine: the threads of BLAS go on looking
    for work, and take the CPU from a recurrent pass that follows.

    Args:
        a: (…, rows, terms).
        b: (…, terms, columns), of the dtype and with the leading axes of ``a``.
        bias: (columns,), or ``None``.

    Returns:
        (…, rows, columns).
    """
    product: Array
    if a.ndim > 3:
        left, right = (x.reshape(-1, *x.shape[-2:]) for x in (a, b))
        product = matmul(left, right, bias)
        return product.reshape(*a.shape[:-1], b.shape[-1])
    count = a.shape[0] if a.ndim == 3 else 1
    rows, terms, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    small = _SMALL_VECTOR_PRODUCT if rows == 1 or columns == 1 else _SMALL_PRODUCT
    if count * rows * terms * columns > small and _computes("fused", a, b):
        product = _engine("fused").matmul(a, b, bias)
        return product
    product = a @ b
    if bias is not None:
        product += bias
    return product


def _computes(engine: str, a: Array, b: Array) -> bool:
    """Whether the engine may be used, is part of this build, and has the dtype of both."""
    known = a.dtype == b.dtype and a.dtype in (np.float32, np.float64)
    return known and config.engine() in ("auto", engine) and _is_built(engine)


def adam(
    value: Array, gradient: Array, m: Array, v: Array, v_hat: Array | None, **factors: float
) -> None:
    """Take one step of Adam: see ``reference.adam``, whose bits all engines give."""
    engine = "fused" if _computes("fused", value, gradient) else "reference"
    _engine(engine).adam(value, gradient, m, v, v_hat, **factors)


def stream_kernel() -> Any:
    """Return the class that steps through ``StreamStage`` objects; ``None`` if there is none.

    That is: in a build without the fused engine, or while another one is forced.
    """
    if config.engine() not in ("auto", "fused") or not _is_built("fused"):
        return None
    return _engine("fused").StreamKernel


def fma_loop(dtype: str, turns: int) -> float:
    """Multiply and add in registers alone, in the calling thread; return the operations done.

    Its speed is the bound that the fused engine's is compared with.
    """
    return float(_engine("fused").fma_loop(dtype, turns))


def instruction_set() -> str:
    """Return the instruction set that the fused engine uses.

    Raises:
        ValueError: the one that is set is not to be had on this machine.
    """
    return str(_engine("fused").isa())


def usable_instruction_sets() -> list[str]:
    """Return the instruction sets that the fused engine can use here, the best one last."""
    return list(_engine("fused").usable_isas())


def _engine(name: str) -> Any:
    # Imported on first use: the blas engine imports scipy, which costs more than all of fastrnn.
    return importlib.import_module(_ENGINE_MODULES[name])
