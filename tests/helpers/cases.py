"""The one list of recurrent cases, for tests of all engines and of the layers."""

import dataclasses
import itertools

import numpy as np

from fastrnn import activations
from fastrnn.engines.cells import CELLS
from fastrnn.engines.contract import RecurrentCall

MASKS = (None, "left", "right", "holes", "rows", "first", "all")
DROPOUTS = (None, "shared", "gates")
ZONEOUTS = (None, "number", "masks", "first", "last")
# Of layer normalisation: with 0.001, rounding grows in rows of nearly equal sums, in every engine.
EPSILON = 0.01
SIZES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 130)
CELL_ACTIVATIONS = tuple(
    name for name in activations.BY_NAME if name not in activations.NOT_FOR_CELLS
)


@dataclasses.dataclass(frozen=True)
class Case:
    cell: str
    batch: int = 3
    timesteps: int = 5
    features: int = 4
    units: int = 7
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    mask: str | None = None
    go_backwards: bool = False
    return_sequences: bool = True
    zero_output_for_mask: bool = False
    input_dropout: str | None = None
    recurrent_dropout: bool = False
    zoneout: str | None = None
    use_bias: bool = True

    @property
    def id(self):
        default = Case(self.cell)
        parts = [self.cell]
        parts += [
            f"{field.name}={getattr(self, field.name)}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != getattr(default, field.name)
        ]
        return "-".join(parts)

    @property
    def outputs(self):
        """Length of the outputs: another one than the units where the cell has a projection."""
        return self.units // 2 + 1 if CELLS[self.cell].has_projection else self.units

    @property
    def n_accumulated(self):
        """Products that one pre-activation sums up, or one weight gradient at each step."""
        return max(self.features + self.units, self.batch) * len(CELLS[self.cell].gates)


def make_mask(kind, batch, timesteps, rng):
    """Return (batch, timesteps), True where a step counts, or None."""
    if kind is None:
        return None
    lengths = rng.integers(1, timesteps + 1, batch)[:, None]
    steps = np.arange(timesteps)[None]
    mask = {
        "right": steps < lengths,
        "left": steps >= timesteps - lengths,
        "holes": rng.random((batch, timesteps)) < 0.6,
        "rows": np.broadcast_to((np.arange(batch) % 2 == 1)[:, None], (batch, timesteps)),
        "first": steps > np.zeros((batch, 1)),
        "all": np.zeros((batch, timesteps)),
    }[kind]
    return np.array(mask, dtype=bool, order="C")


def make_call(case, seed=0, dtype="float64", save=True, nan_under_mask=False):
    """Return the RecurrentCall of ``case``: all weights and states random, distinct, not zero."""
    rng = np.random.default_rng(seed)
    spec = CELLS[case.cell]
    gates = len(spec.gates)
    batch, units = case.batch, case.units

    def random(*shape, scale=1.0):
        return (rng.standard_normal(shape) * scale).astype(dtype)

    def factors(*shape):
        return ((rng.random(shape) < 0.7) / 0.7).astype(dtype)

    fan = case.features + units
    weights = {
        name: random(*shape, scale=fan**-0.5 if "kernel" in name else 0.5)
        for name, shape in spec.weight_shapes(case.features, units, case.outputs).items()
    }
    if not case.use_bias:
        weights |= dict.fromkeys(weight.name for weight in spec.weights if weight.optional)
    states = tuple(random(batch, size, scale=0.5) for size in spec.state_sizes(units, case.outputs))
    x = random(batch, case.timesteps, case.features)
    mask = make_mask(case.mask, batch, case.timesteps, rng)
    if nan_under_mask and mask is not None:
        x[~mask] = np.nan
    dropout_gates = {None: 0, "shared": 1, "gates": gates}[case.input_dropout]
    return RecurrentCall(
        cell=case.cell,
        activation=activations.get(case.activation),
        recurrent_activation=activations.get(case.recurrent_activation),
        x=x,
        weights=weights,
        initial_state=states,
        mask=mask,
        input_dropout=factors(dropout_gates, batch, case.features) if dropout_gates else None,
        recurrent_dropout=factors(gates, batch, case.outputs) if case.recurrent_dropout else None,
        zoneout=make_zoneout(case, states, rng),
        epsilon=EPSILON,
        go_backwards=case.go_backwards,
        return_sequences=case.return_sequences,
        zero_output_for_mask=case.zero_output_for_mask,
        save=save,
    )


def make_zoneout(case, states, rng):
    """Return the share of each state's new value: of every state, or of one alone."""
    if case.zoneout is None:
        return ()
    if case.zoneout == "number":
        return tuple(0.9 - 0.3 * k for k in range(len(states)))
    masks = [(rng.random((case.timesteps, *s.shape)) < 0.6).astype(s.dtype) for s in states]
    if case.zoneout == "first":
        return (masks[0], *[None] * (len(states) - 1))
    if case.zoneout == "last":
        return (*[None] * (len(states) - 1), masks[-1])
    return tuple(masks)


def supported(engine, cases):
    """The cases that ``supports`` of an engine's package accepts."""
    smallest = {"batch": 1, "timesteps": 1, "features": 1, "units": 1}
    return [
        c for c in cases if engine.supports(make_call(dataclasses.replace(c, **smallest))) is None
    ]


def make_gradients(call, seed=1):
    """Return random gradients of the outputs and of the final states."""
    rng = np.random.default_rng(seed)
    d_outputs = rng.standard_normal(call.output_shape).astype(call.x.dtype)
    d_states = [rng.standard_normal(s.shape).astype(s.dtype) for s in call.initial_state]
    return d_outputs, d_states


def _option_cases(cell):
    """Every option of one cell, and the pairs that meet in the driver."""
    yield Case(cell)
    yield Case(cell, use_bias=False)
    yield Case(cell, go_backwards=True)
    yield Case(cell, return_sequences=False)
    for mask, backwards, sequences, zero in itertools.product(
        MASKS[1:], (False, True), (False, True), (False, True)
    ):
        yield Case(
            cell,
            mask=mask,
            go_backwards=backwards,
            return_sequences=sequences,
            zero_output_for_mask=zero,
        )
    for dropout, recurrent, mask in itertools.product(DROPOUTS, (False, True), (None, "holes")):
        if dropout or recurrent:
            yield Case(
                cell,
                input_dropout=dropout,
                recurrent_dropout=recurrent,
                mask=mask,
                go_backwards=dropout == "gates",
            )

    for zoneout, mask in itertools.product(ZONEOUTS[1:], (None, "holes")):
        yield Case(
            cell,
            zoneout=zoneout,
            mask=mask,
            go_backwards=zoneout == "masks",
            recurrent_dropout=mask is not None,
        )


def _size_cases(cell):
    """The sizes around vector and tile edges, each axis through all of them."""
    for k, size in enumerate(SIZES):
        yield Case(
            cell,
            batch=SIZES[(3 * k + 1) % len(SIZES)],
            timesteps=(1, 2, 5, 20)[k % 4],
            features=SIZES[(5 * k + 2) % len(SIZES)],
            units=size,
            mask=MASKS[k % 5],
        )


def _activation_cases(cell):
    for name in CELL_ACTIVATIONS:
        # exp of exp of exp overflows within a few steps, and peepholes add one more.
        few = 1 if cell == "peephole_lstm" else 2
        timesteps = few if name == "exponential" else 5
        yield Case(cell, timesteps=timesteps, activation=name, mask="holes")
        if CELLS[cell].has_recurrent_activation:
            yield Case(cell, timesteps=timesteps, recurrent_activation=name, mask="holes")


OPTION_CASES = [case for cell in CELLS for case in _option_cases(cell)]
SIZE_CASES = [case for cell in CELLS for case in _size_cases(cell)]
ACTIVATION_CASES = [case for cell in CELLS for case in _activation_cases(cell)]
ALL_CASES = OPTION_CASES + SIZE_CASES + ACTIVATION_CASES
