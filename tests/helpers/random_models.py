"""Small random models, as data: what they are made of prints, and builds in fastrnn and in Keras.

A new layer is one line in ``MAKERS``: its name, the ranks of inputs it takes, and a function of
(rng, shape of the input without the batch) that draws its options.
"""

import dataclasses

import numpy as np
from cases import CELL_ACTIVATIONS

from fastrnn import layers

# Keras's sparsemax is wrong on several backends; exp of exp leaves float32.
ACTIVATIONS = tuple(name for name in CELL_ACTIVATIONS if name not in ("sparsemax", "exponential"))
GATE_ACTIVATIONS = ("sigmoid", "hard_sigmoid", "sparse_sigmoid", "softmax", "tanh", "softsign")
REGULARIZERS = (None, None, None, "l1", "l2", "l1l2")
CONSTRAINTS = (None, None, None, "max_norm", "non_neg", "unit_norm")
VOCABULARY = 7


@dataclasses.dataclass(frozen=True)
class Spec:
    """An object by its class name and options; options may be specs themselves."""

    name: str
    options: dict = dataclasses.field(default_factory=dict)

    def __repr__(self):
        options = ", ".join(f"{key}={value!r}" for key, value in self.options.items())
        return f"{self.name}({options})"

    def build(self, module):
        options = {
            key: value.build(module) if isinstance(value, Spec) else value
            for key, value in self.options.items()
        }
        return getattr(module, self.name)(**options)


@dataclasses.dataclass(frozen=True)
class Merge:
    """The outputs of two layers of one input, merged."""

    branches: tuple[Spec, Spec]
    merge: Spec

    def apply(self, module, tensor):
        return self.merge.build(module)([spec.build(module)(tensor) for spec in self.branches])


@dataclasses.dataclass(frozen=True)
class Handover:
    """A layer that starts in the state in which another one ended."""

    encoder: Spec
    decoder: Spec

    def apply(self, module, tensor):
        _, *states = self.encoder.build(module)(tensor)
        return self.decoder.build(module)(tensor, initial_state=states)


@dataclasses.dataclass(frozen=True)
class Config:
    """A model, its loss, its optimizer and the seed of its weights and data."""

    seed: int
    batch: int
    shape: tuple[int, ...]
    stages: list
    loss: Spec
    optimizer: Spec

    def build(self, k):
        """The model in the package ``k``, and compiled."""
        tensor = inputs = k.Input(self.shape)
        for stage in self.stages:
            if isinstance(stage, Spec):
                tensor = stage.build(k.layers)(tensor)
            else:
                tensor = stage.apply(k.layers, tensor)
        model = k.Model(inputs, tensor)
        model.compile(optimizer=self.optimizer.build(k.optimizers), loss=self.loss.build(k.losses))
        return model

    @property
    def id(self):
        names = [getattr(stage, "name", type(stage).__name__) for stage in self.stages]
        return "-".join([str(self.seed), *names, self.loss.name, self.optimizer.name])


def pick(rng, values):
    return values[int(rng.integers(len(values)))]


def flag(rng, probability=0.5):
    return bool(rng.random() < probability)


def size(rng, low=1, high=5):
    return int(rng.integers(low, high + 1))


def penalties(rng, *parts):
    """Regularizers and constraints of these weights, and of the outputs."""
    options = {f"{part}_regularizer": pick(rng, REGULARIZERS) for part in parts}
    options |= {f"{part}_constraint": pick(rng, CONSTRAINTS) for part in parts}
    return {key: value for key, value in options.items() if value is not None}


def activity(rng):
    return {"activity_regularizer": "l2"} if flag(rng, 0.15) else {}


def dense(rng, shape):
    return {
        "units": size(rng),
        "activation": pick(rng, ACTIVATIONS),
        "use_bias": flag(rng, 0.8),
        **penalties(rng, "kernel", "bias"),
        **activity(rng),
    }


def recurrent(gates, **fixed):
    def draw(rng, shape):
        options = {
            "units": size(rng),
            "activation": pick(rng, ("tanh", *ACTIVATIONS)),
            "use_bias": flag(rng, 0.8),
            "return_sequences": flag(rng, 0.6),
            "go_backwards": flag(rng, 0.3),
            "unroll": False,
            **fixed,
            **penalties(rng, "kernel", "recurrent", "bias"),
        }
        if gates:
            # Keras's SimpleRNN takes an activity_regularizer, and forgets it.
            options |= activity(rng)
            options["recurrent_activation"] = pick(rng, GATE_ACTIVATIONS)
        if gates == "gru":
            options["reset_after"] = flag(rng)
        if flag(rng, 0.2):
            options["zero_output_for_mask"] = True
        return options

    return draw


CELLS = {
    "SimpleRNN": recurrent(None),
    "LSTM": recurrent("lstm"),
    "GRU": recurrent("gru"),
}


def cell(rng, shape):
    name = pick(rng, list(CELLS))
    return Spec(name, CELLS[name](rng, shape))


def bidirectional(rng, shape):
    forward = cell(rng, shape)
    options = {"layer": forward, "merge_mode": pick(rng, ("concat", "sum", "mul", "ave"))}
    if flag(rng, 0.3):
        other = {
            "activation": pick(rng, ACTIVATIONS),
            "use_bias": flag(rng),
            "go_backwards": not forward.options["go_backwards"],
        }
        options["backward_layer"] = Spec(forward.name, forward.options | other)
    else:  # the copy always goes backwards
        options["layer"] = Spec(forward.name, forward.options | {"go_backwards": False})
    return options


def time_distributed(rng, shape):
    name = pick(rng, ("Dense", "LayerNormalization", "Activation"))
    return {"layer": Spec(name, MAKERS[name][1](rng, shape[1:]))}


def batch_normalization(rng, shape):
    return {
        "axis": pick(rng, (-1, 1)),
        "momentum": pick(rng, (0.99, 0.9, 0.5)),
        "epsilon": pick(rng, (1e-3, 1e-2)),
        "center": flag(rng, 0.8),
        "scale": flag(rng, 0.8),
        **penalties(rng, "beta", "gamma"),
    }


def layer_normalization(rng, shape):
    return {
        "axis": -1,
        "epsilon": pick(rng, (1e-3, 1e-2)),
        "center": flag(rng, 0.8),
        "scale": flag(rng, 0.8),
        **penalties(rng, "beta", "gamma"),
    }


def convolution(rng, shape):
    padding = pick(rng, ("valid", "same", "causal"))
    strided = flag(rng)
    groups = pick(rng, [n for n in (1, 2, 3) if shape[-1] % n == 0])
    return {
        "filters": groups * size(rng, 1, 3),
        "kernel_size": size(rng, 1, min(3, shape[0])),
        "strides": size(rng, 1, 3) if strided else 1,
        "dilation_rate": 1 if strided or shape[0] < 5 else size(rng, 1, 2),
        "groups": groups,
        "padding": padding,
        "activation": pick(rng, ACTIVATIONS),
        "use_bias": flag(rng, 0.8),
        **penalties(rng, "kernel", "bias"),
        **activity(rng),
    }


def pooling(rng, shape):
    return {
        "pool_size": size(rng, 1, min(3, shape[0])),
        "strides": pick(rng, (None, 1, 2)),
        "padding": pick(rng, ("valid", "same")),
    }


def global_pooling(rng, shape):
    return {"keepdims": flag(rng, 0.3)}


def nothing(rng, shape):
    return {}


MAKERS = {
    **{name: ((2,), draw) for name, draw in CELLS.items()},
    "Bidirectional": ((2,), bidirectional),
    "TimeDistributed": ((2,), time_distributed),
    "Dense": ((1, 2), dense),
    "BatchNormalization": ((1, 2), batch_normalization),
    "LayerNormalization": ((1, 2), layer_normalization),
    "UnitNormalization": ((1, 2), nothing),
    "Conv1D": ((2,), convolution),
    "MaxPooling1D": ((2,), pooling),
    "AveragePooling1D": ((2,), pooling),
    "GlobalAveragePooling1D": ((2,), global_pooling),
    "GlobalMaxPooling1D": ((2,), global_pooling),
    "RepeatVector": ((1,), lambda rng, shape: {"n": size(rng)}),
    "Flatten": ((1, 2), nothing),
    "Reshape": ((1, 2), lambda rng, shape: {"target_shape": pick(rng, ((-1, 1), shape[::-1]))}),
    "Permute": ((2,), lambda rng, shape: {"dims": pick(rng, ((2, 1), (1, 2)))}),
    "Activation": ((1, 2), lambda rng, shape: {"activation": pick(rng, ACTIVATIONS)}),
    "ActivityRegularization": ((1, 2), lambda rng, shape: {"l1": 0.01, "l2": 0.02}),
    "Dropout": ((1, 2), lambda rng, shape: {"rate": 0.0}),
    "SpatialDropout1D": ((2,), lambda rng, shape: {"rate": 0.0}),
}
FREQUENT = (*CELLS, "Bidirectional", "TimeDistributed", "Conv1D")
MERGES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot")


def draw_layer(rng, shape):
    names = [name for name, (ranks, _) in MAKERS.items() if len(shape) in ranks]
    names += 2 * [name for name in names if name in FREQUENT]
    name = pick(rng, names)
    return Spec(name, MAKERS[name][1](rng, shape))


def draw_merge(rng, shape):
    """Two layers of the same options (so that their shapes agree) and a layer that merges them."""
    branch = draw_layer(rng, shape)
    out = layers_output_shape(branch, shape)
    name = pick(rng, MERGES)
    options = {"axes": -1, "normalize": flag(rng)} if name == "Dot" else {}
    if name == "Concatenate":
        options = {"axis": pick(rng, range(-len(out), 0))}
    return Merge((branch, branch), Spec(name, options))


def draw_handover(rng, shape):
    name = pick(rng, list(CELLS))
    options = CELLS[name](rng, shape)
    encoder = {**CELLS[name](rng, shape), "units": options["units"], "return_state": True}
    if flag(rng, 0.3):
        wrapped = [Spec(name, o | {"go_backwards": False}) for o in (encoder, options)]
        return Handover(*(Spec("Bidirectional", {"layer": spec}) for spec in wrapped))
    return Handover(Spec(name, encoder), Spec(name, options))


def layers_output_shape(spec, shape):
    return spec.build(layers).compute_output_shape((None, *shape))[1:]


def output_shape(stage, shape):
    """The shape that a stage makes of ``shape``, without the batch."""
    if isinstance(stage, Spec):
        return layers_output_shape(stage, shape)
    if isinstance(stage, Handover):
        return layers_output_shape(stage.decoder, shape)
    branches = [(None, *layers_output_shape(branch, shape)) for branch in stage.branches]
    return stage.merge.build(layers).compute_output_shape(branches)[1:]


def first_stages(rng):
    """The shape of the inputs, and what may make a mask of them."""
    timesteps = size(rng, 1, 7)
    kind = pick(rng, ("numbers", "numbers", "masked", "indices"))
    if kind == "indices":
        options = {"input_dim": VOCABULARY, "output_dim": size(rng), "mask_zero": flag(rng, 0.7)}
        return (timesteps,), [Spec("Embedding", options | penalties(rng, "embeddings"))]
    masking = [Spec("Masking", {"mask_value": 0.0})] if kind == "masked" else []
    return (timesteps, size(rng)), masking


LOSSES = {
    "MeanSquaredError": (None, "numbers", {}),
    "MeanAbsoluteError": (None, "numbers", {}),
    "Huber": (None, "numbers", {"delta": 0.7}),
    "LogCosh": (None, "numbers", {}),
    "CosineSimilarity": (None, "numbers", {}),
    "Hinge": (None, "bits", {}),
    "SquaredHinge": (None, "bits", {}),
    "BinaryCrossentropy": ("linear", "bits", {"from_logits": True, "label_smoothing": 0.1}),
    "BinaryFocalCrossentropy": ("sigmoid", "bits", {}),
    "CategoricalCrossentropy": ("softmax", "one-hot", {"label_smoothing": 0.1}),
    "CategoricalFocalCrossentropy": ("softmax", "one-hot", {}),
    "CategoricalHinge": (None, "one-hot", {}),
    "SparseCategoricalCrossentropy": ("linear", "classes", {"from_logits": True}),
    "KLDivergence": ("softmax", "one-hot", {}),
    "Poisson": ("softplus", "positive", {}),
    "MeanSquaredLogarithmicError": ("softplus", "positive", {}),
}
# An adaptive optimizer divides each gradient by its own size, and so makes a rounding error as
# large as a gradient: a large epsilon keeps what is 0 but for rounding small. Lion takes the sign
# of each gradient, and has no epsilon; Ftrl makes weights anew from the gradients, so small that
# unit norms make rounding large: both are left to tests/parity_keras/test_optimizers.py.
OPTIMIZERS = (
    Spec("SGD", {"learning_rate": 0.05}),
    Spec("SGD", {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True}),
    Spec("SGD", {"learning_rate": 0.05, "global_clipnorm": 0.5}),
    Spec("SGD", {"learning_rate": 0.05, "weight_decay": 0.01, "clipvalue": 0.1}),
    Spec("RMSprop", {"learning_rate": 0.01, "epsilon": 0.1}),
    Spec("Adam", {"learning_rate": 0.01, "epsilon": 0.1}),
    Spec("Adam", {"learning_rate": 0.01, "epsilon": 0.1, "amsgrad": True, "clipnorm": 0.5}),
    Spec("AdamW", {"learning_rate": 0.01, "epsilon": 0.1}),
    Spec("Nadam", {"learning_rate": 0.01, "epsilon": 0.1}),
    Spec("Adamax", {"learning_rate": 0.01, "epsilon": 0.1}),
    Spec("Adagrad", {"learning_rate": 0.01}),
    Spec("Adadelta", {"learning_rate": 0.5, "epsilon": 0.01}),
)


def makes_masks(stage):
    return isinstance(stage, Spec) and (stage.name == "Masking" or stage.options.get("mask_zero"))


def forwards(stage):
    """A stage whose sequences go forwards: masks behind others differ, see keras_differences.md."""
    parts = {
        field.name: tuple(map(forwards, part)) if isinstance(part, tuple) else forwards(part)
        for field in dataclasses.fields(stage)
        if isinstance(part := getattr(stage, field.name), (Spec, tuple))
    }
    if isinstance(stage, Spec) and stage.name in CELLS and stage.options["return_sequences"]:
        parts["options"] = stage.options | {"go_backwards": False}
    return dataclasses.replace(stage, **parts)


def draw(seed):
    """The configuration of this seed."""
    rng = np.random.default_rng(seed)
    shape, stages = first_stages(rng)
    current = shape
    for stage in stages:
        current = output_shape(stage, current)
    for _ in range(size(rng, 1, 3)):
        kind = rng.random()
        if kind < 0.2:
            stage = draw_merge(rng, current)
        elif kind < 0.35 and len(current) == 2:
            stage = draw_handover(rng, current)
        else:
            stage = draw_layer(rng, current)
        stages.append(stage)
        current = output_shape(stage, current)
    if makes_masks(stages[0]):
        stages = [forwards(stage) for stage in stages]
    name = pick(rng, list(LOSSES))
    head, _, options = LOSSES[name]
    if head:
        stages.append(Spec("Dense", {"units": size(rng, 2, 4), "activation": head}))
    return Config(seed, size(rng), shape, stages, Spec(name, options), pick(rng, OPTIMIZERS))


def draw_inputs(config, rng):
    if config.stages[0].__class__ is Spec and config.stages[0].name == "Embedding":
        x = rng.integers(0, VOCABULARY, (config.batch, *config.shape))
        x[:, -1] = rng.integers(1, VOCABULARY, config.batch)
        return x
    x = rng.standard_normal((config.batch, *config.shape)).astype("float32")
    if isinstance(config.stages[0], Spec) and config.stages[0].name == "Masking":
        x[:, :-1][rng.random((config.batch, config.shape[0] - 1)) < 0.4] = 0
    return x


TARGETS = {
    "numbers": lambda rng, shape: rng.standard_normal(shape),
    "positive": lambda rng, shape: rng.random(shape) * 3,
    "bits": lambda rng, shape: rng.integers(0, 2, shape),
    "one-hot": lambda rng, shape: np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])],
}


def draw_targets(config, shape, rng):
    kind = LOSSES[config.loss.name][1]
    if kind == "classes":
        return rng.integers(0, shape[-1], shape[:-1])
    return TARGETS[kind](rng, shape).astype("float32")
