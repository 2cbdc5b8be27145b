"""The checks of ``fastrnn selftest``: does this installation compute what it should, here?

Each check returns what it found, in words, or raises. They need nothing but what is installed, and
take seconds together. The package's tests are far more thorough; these go where it is installed.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import os
import signal
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import activations, config
from fastrnn.engines import dispatch
from fastrnn.engines.cells import CELLS
from fastrnn.engines.contract import RecurrentCall
from fastrnn.layers import GRU, LSTM, Bidirectional, Dense, Input, SimpleRNN
from fastrnn.models import Sequential
from fastrnn.optimizers import Adam
from fastrnn.utils import set_random_seed

Array = npt.NDArray[Any]

DTYPES = ("float32", "float64")
# Batch, timesteps, features, units: below and above the width of every vector.
SIZES = ((3, 5, 4, 7), (19, 6, 33, 40))
# A result may be off by so many roundings of its largest number.
ROUNDINGS = 64
CHILD_SECONDS = 30


class CheckFailed(Exception):
    """The installation does not compute what it should."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of a check."""

    name: str
    passed: bool
    detail: str
    seconds: float


def run_all() -> Iterator[Result]:
    """Run every check and yield its result; an exception is a check that failed."""
    for name, check in checks().items():
        start = time.perf_counter()
        try:
            passed, detail = True, check()
        except Exception as error:
            kind = "" if isinstance(error, CheckFailed) else f"{type(error).__name__}: "
            passed, detail = False, f"{kind}{error}"
        yield Result(name, passed, detail, time.perf_counter() - start)


def checks() -> dict[str, Callable[[], str]]:
    """Return every check that this installation can run, by name."""
    found: dict[str, Callable[[], str]] = {
        f"gradients of {cell}": functools.partial(check_gradients, cell) for cell in CELLS
    }
    for engine, isa in engines():
        for dtype in DTYPES:
            for cell in CELLS:
                name = " ".join(filter(None, (cell, dtype, engine, isa)))
                call = cast(random_call(cell, SIZES[0], plain=True), dtype)
                if dispatch.ENGINES[engine].supports(call) is not None:
                    continue
                found[name] = functools.partial(check_engine, engine, isa or "auto", dtype, cell)
    return found | {
        "threads": check_threads,
        "fork": check_fork,
        "training": check_training,
        "saving": check_saving,
    }


def engines() -> list[tuple[str, str | None]]:
    """Return the compiled engines of this installation, the fused one with each instruction set."""
    found: list[tuple[str, str | None]] = [("blas", None)]
    if importlib.util.find_spec("fastrnn.engines.fused.engine") is not None:
        found += [("fused", isa) for isa in dispatch.usable_instruction_sets()]
    return found


@contextmanager
def in_force(engine: str = "auto", isa: str = "auto", threads: int | None = None) -> Iterator[None]:
    """Set what computes recurrent layers, in a ``with`` block."""
    before = config.engine(), config.isa(), config.num_threads()
    config.set_engine(engine)
    config.set_isa(isa)
    config.set_num_threads(threads)
    try:
        yield
    finally:
        config.set_engine(before[0])
        config.set_isa(before[1])
        config.set_num_threads(before[2])


# ---- engines -------------------------------------------------------------------------------


def random_call(cell: str, sizes: Sequence[int], plain: bool) -> RecurrentCall:
    """Return a call in float64; unless ``plain``, with a mask, dropout and backwards."""
    batch, timesteps, features, units = sizes
    spec = CELLS[cell]
    rng = np.random.default_rng(0)

    def draw(*shape: int, scale: float = 1.0) -> Array:
        return scale * rng.standard_normal(shape)

    limit = 1 / np.sqrt(features + units)
    shapes = spec.weight_shapes(features, units)
    call = RecurrentCall(
        cell=cell,
        activation=activations.get("tanh"),
        recurrent_activation=activations.get("sigmoid"),
        x=draw(batch, timesteps, features),
        weights={
            name: draw(*shape, scale=limit if "kernel" in name else 1)
            for name, shape in shapes.items()
        },
        initial_state=tuple(draw(batch, size) for size in spec.state_sizes(units)),
        return_sequences=True,
        save=True,
    )
    if plain:
        return call
    gates = len(spec.gates)
    return dataclasses.replace(
        call,
        mask=rng.random((batch, timesteps)) < 0.7,
        input_dropout=rng.integers(0, 2, (gates, batch, features)) * 2.0,
        recurrent_dropout=rng.integers(0, 2, (gates, batch, units)) * 2.0,
        go_backwards=True,
    )


def cast(call: RecurrentCall, dtype: str) -> RecurrentCall:
    """Return the call with its float arrays in another dtype."""
    arrays = {name: getattr(call, name) for name in ("x", "input_dropout", "recurrent_dropout")}
    changed: dict[str, Any] = {name: _cast(array, dtype) for name, array in arrays.items()}
    weights = {name: _cast(array, dtype) for name, array in call.weights.items()}
    states = tuple(state.astype(dtype) for state in call.initial_state)
    return dataclasses.replace(call, **changed, weights=weights, initial_state=states)


def _cast(array: Array | None, dtype: str) -> Array | None:
    return None if array is None else array.astype(dtype)


def everything(call: RecurrentCall) -> dict[str, Array]:
    """Return outputs and states of a call, and the gradients of what `weighted_sum` adds up."""
    outputs, states, workspace = dispatch.rnn_forward(call)
    assert workspace is not None  # `save` is set
    d_outputs, d_states = slopes(outputs), [slopes(state) for state in states]
    gradients = dispatch.rnn_backward(workspace, d_outputs, d_states)
    found = {"outputs": outputs} | {f"state {k}": state for k, state in enumerate(states)}
    assert gradients.dx is not None  # so is `input_gradient`
    found["gradient of x"] = gradients.dx
    found |= {f"gradient of {name}": array for name, array in gradients.d_weights.items()}
    for k, gradient in enumerate(gradients.d_initial_state):
        found[f"gradient of initial state {k}"] = gradient
    return found


def slopes(array: Array) -> Array:
    """Return what each number of a result counts in the sum whose gradients are computed."""
    drawn = np.random.default_rng(array.size).standard_normal(array.shape)
    return drawn.astype(array.dtype)


def weighted_sum(call: RecurrentCall) -> float:
    """Return the sum of all results of a call, each times its slope."""
    outputs, states, _ = dispatch.rnn_forward(call)
    return float(sum((slopes(array) * array).sum() for array in (outputs, *states)))


def compare(found: Array, expected: Array, what: str, dtype: str) -> float:
    """Return the largest error in roundings of ``dtype``; raise if it is too large, or NaN."""
    scale = max(1.0, float(np.abs(expected).max())) * float(np.finfo(dtype).eps)
    error = float(np.abs(found.astype(np.float64) - expected).max()) / scale
    if not error <= ROUNDINGS:
        raise CheckFailed(f"{what} is off by {error:.3g} roundings, at most {ROUNDINGS} are right")
    return error


def check_engine(engine: str, isa: str, dtype: str, cell: str) -> str:
    """Hold an engine against the reference engine in float64."""
    worst = 0.0
    for sizes in SIZES:
        for plain in (True, False):
            call = cast(random_call(cell, sizes, plain), dtype)
            with in_force("reference"):
                expected = everything(cast(call, "float64"))
            with in_force(engine, isa):
                found = everything(call)
            for name, array in found.items():
                worst = max(worst, compare(array, expected[name], name, dtype))
    return f"off by {worst:.0f} roundings, at most {ROUNDINGS}"


def _replaced(call: RecurrentCall, name: str, array: Array) -> RecurrentCall:
    if name == "x":
        return dataclasses.replace(call, x=array)
    return call.with_weights(**{name: array})


def check_gradients(cell: str) -> str:
    """Hold the reference engine's gradients against central differences along one direction."""
    call = random_call(cell, SIZES[0], plain=False)
    step, worst = 1e-6, 0.0
    with in_force("reference"):
        gradients = everything(call)
        for name, array in {"x": call.x, **call.weights}.items():
            assert array is not None  # `random_call` has every weight
            direction = np.random.default_rng(1).standard_normal(array.shape)
            above, below = (
                weighted_sum(_replaced(call, name, array + sign * step * direction))
                for sign in (1, -1)
            )
            difference = (above - below) / (2 * step)
            slope = float((gradients[f"gradient of {name}"] * direction).sum())
            error = abs(slope - difference) / max(1.0, abs(difference))
            if not error < 1e-6:
                raise CheckFailed(f"{name}: slope {slope:.8g}, by differences {difference:.8g}")
            worst = max(worst, error)
    return f"off by {worst:.1g}, at most 1e-06"


# ---- threads and processes -----------------------------------------------------------------


def train(threads: int) -> list[Array]:
    """Return the weights after some steps of training, on so many threads."""
    set_random_seed(1)
    layers = [
        Input((20, 12)),
        Bidirectional(LSTM(40, return_sequences=True, dropout=0.2)),
        GRU(48, return_sequences=True),
        SimpleRNN(30),
        Dense(1),
    ]
    model = Sequential(layers)
    model.compile(optimizer="adam", loss="mse")
    rng = np.random.default_rng(2)
    x, y = (rng.standard_normal(shape, dtype=np.float32) for shape in ((64, 20, 12), (64, 1)))
    with in_force(threads=threads):
        for _ in range(5):
            model.train_on_batch(x, y)
    return list(model.get_weights())


def check_threads() -> str:
    """Training gives the same bits on any number of threads."""
    numbers = (1, 2, 3, config.default_num_threads())
    expected = train(numbers[0])
    for threads in numbers[1:]:
        for one, other in zip(expected, train(threads), strict=True):
            if not np.array_equal(one, other):
                raise CheckFailed(f"{threads} threads train to other bits than 1 thread")
    return f"the same bits on {', '.join(str(n) for n in sorted(set(numbers)))}"


def check_fork() -> str:
    """A forked child computes what its parent does, with threads of its own."""
    if not hasattr(os, "fork"):
        return "left out: this system has no fork"
    set_random_seed(1)
    layer = LSTM(64, return_sequences=True)
    x = np.random.default_rng(0).standard_normal((32, 40, 16), dtype=np.float32)
    with in_force(threads=2):
        expected = layer(x)
        with warnings.catch_warnings():  # Python warns of any fork beside threads
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            agrees = False
            try:
                agrees = np.array_equal(layer(x), expected)
            finally:
                os._exit(0 if agrees else 1)
        deadline = time.monotonic() + CHILD_SECONDS
        while time.monotonic() < deadline:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                if status:
                    raise CheckFailed(f"the child computes something else (status {status})")
                return "the child computes the same bits"
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise CheckFailed(f"the child has not answered for {CHILD_SECONDS} s")


# ---- models --------------------------------------------------------------------------------


def small_model() -> Sequential:
    """Return a compiled model that adds up eight numbers, once it is trained."""
    set_random_seed(3)
    model = Sequential([Input((8, 1)), GRU(16), Dense(1)])
    model.compile(optimizer=Adam(0.01), loss="mse")
    return model


def sums() -> tuple[Array, Array]:
    """Return sequences and their sums."""
    x = np.random.default_rng(4).standard_normal((256, 8, 1), dtype=np.float32)
    return x, x.sum(axis=1)


def check_training() -> str:
    """A small model learns."""
    losses = small_model().fit(*sums(), epochs=15, batch_size=32, verbose=0).history["loss"]
    if not losses[-1] < 0.1 * losses[0]:
        raise CheckFailed(f"the loss goes from {losses[0]:.3g} to {losses[-1]:.3g} only")
    return f"loss from {losses[0]:.2g} to {losses[-1]:.2g}"


def check_saving() -> str:
    """Weights that are saved and loaded predict the same bits."""
    x, _ = sums()
    model, other = small_model(), small_model()
    other.set_weights([weight + 1 for weight in model.get_weights()])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "selftest.weights.npz"
        model.save_weights(path)
        other.load_weights(path)
    if not np.array_equal(model.predict(x, verbose=0), other.predict(x, verbose=0)):
        raise CheckFailed("the loaded model predicts something else than the saved one")
    return "a loaded model predicts the same bits"
