"""Dispatch: an ordered list of engines; the first that supports a call computes it.

Sizes: B batch, T timesteps, F features, H units, P outputs, G gates (see ``cells``).
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastrnn import config
from fastrnn.core import errors
from fastrnn.engines import blas, fused, reference
from fastrnn.engines.contract import (
    RecurrentCall,
    RecurrentGradients,
    Workspace,
)

Array = npt.NDArray[Any]


class _Implementation(NamedTuple):
    """An engine by the name of its module, and whether it computes a call, else why not."""

    module: str
    supports: Callable[[RecurrentCall], str | None]


# In the order of preference: the first that accepts a call computes it. Modules are imported on
# first use: the blas engine imports scipy, which costs more than all of fastrnn.
ENGINES: dict[str, _Implementation] = {
    "fused": _Implementation("fastrnn.engines.fused.engine", fused.supports),
    "blas": _Implementation("fastrnn.engines.blas.engine", blas.supports),
    "reference": _Implementation("fastrnn.engines.reference", reference.supports),
}

# The cells and the activations that a ``StreamStage`` may name.
STREAM_CELLS, STREAM_ACTIVATIONS = fused.CELLS, fused.ACTIVATIONS


def choose_engine(call: RecurrentCall) -> str:
    """Return the name of the engine that computes ``call``.

    It is the forced one (``config.set_engine``), or the first of ``ENGINES`` that supports the
    call: its cell, its activations, its dtype, quantized weights.

    Raises:
        ValueError: the forced engine, or every engine, cannot compute the call.
    """
    forced = config.engine()
    names = list(ENGINES) if forced == "auto" else [forced]
    reasons = {}
    for name in names:
        reasons[name] = ENGINES[name].supports(call)
        if reasons[name] is None:
            return name
    expected = f"one that computes the call; {names[-1]!r} does not: {reasons[names[-1]]}"
    remedy = "" if forced == "auto" else "Call fastrnn.config.set_engine('auto')."
    raise ValueError(errors.bad_argument("engine", forced, expected, remedy))


Forward = tuple[Array, tuple[Array, ...], Workspace | None]
Backward = tuple[Workspace, Array | None, Sequence[Array | None]]


def rnn_forward(call: RecurrentCall) -> Forward:
    """Run a recurrent cell over a batch of sequences.

    Returns:
        ``outputs, states, workspace``: outputs (B, T, P) or (B, P), the final states, of their
        spec's sizes, and the workspace for ``rnn_backward``, or ``None`` where ``call.save`` is
        false.

    Raises:
        ValueError: a shape or a dtype does not fit the others.
    """
    engine = choose_engine(call)
    outputs, states, saved = _engine(engine).forward(call)
    return outputs, states, Workspace(engine, saved) if call.save else None


def rnn_forward_concurrently(calls: Sequence[RecurrentCall]) -> list[Forward]:
    """Run several calls that do not wait for each other, as ``rnn_forward`` runs each.

    The fused engine computes them at the same time, on the threads that there are.
    """
    engines = [choose_engine(call) for call in calls]
    dtypes = {call.x.dtype for call in calls}
    quantized = {call.quantized is not None for call in calls}
    if set(engines) == {"fused"} and len(dtypes) == 1 and len(quantized) == 1:
        results = _engine("fused").forward_concurrently(calls)
    else:
        results = [_engine(e).forward(call) for e, call in zip(engines, calls, strict=True)]
    return [
        (outputs, states, Workspace(engine, saved) if call.save else None)
        for engine, call, (outputs, states, saved) in zip(engines, calls, results, strict=True)
    ]


Inference = Callable[[Array], Array | None]


def _has_masks(call: RecurrentCall) -> bool:
    """Whether ``call`` has numbers for its own inputs alone: of dropout, or of zoneout."""
    dropout = call.input_dropout is not None or call.recurrent_dropout is not None
    return dropout or any(isinstance(share, np.ndarray) for share in call.zoneout)


def rnn_inference(call: RecurrentCall) -> Inference | None:
    """Return a fast path to the outputs of calls that differ from ``call`` in their inputs alone.

    Returns:
        A function of inputs (B, T, F) that gives the outputs, or ``None`` for inputs that need
        ``rnn_forward``; or ``None`` where the engine of the call has no such way. It computes
        without mask, with initial states of zero, and on the weights as they then are.
    """
    if choose_engine(call) != "fused" or call.mask is not None or call.save or _has_masks(call):
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
    if choose_engine(call) != "fused" or call.save or _has_masks(call):
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
        d_states: gradient of each final state, of its shape; ``None`` means zero.
    """
    return rnn_backward_concurrently([(workspace, d_outputs, d_states)])[0]


def rnn_backward_concurrently(passes: Sequence[Backward]) -> list[RecurrentGradients]:
    """Carry gradients back through several passes: the arguments of ``rnn_backward`` for each."""
    arguments = [(w.saved, d_outputs, tuple(d_states)) for w, d_outputs, d_states in passes]
    engines = [workspace.engine for workspace, _, _ in passes]
    if len(passes) > 1 and set(engines) == {"fused"}:
        return list(_engine("fused").backward_concurrently(arguments))
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
    return known and config.engine() in ("auto", engine) and (engine != "fused" or fused.is_built())


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
    if config.engine() not in ("auto", "fused") or not fused.is_built():
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


@functools.cache
def _engine(name: str) -> Any:
    return importlib.import_module(ENGINES[name].module)
