"""Random losses, metrics and cells of one's own, for the package that is given."""

import numpy as np

# (ops, labels, predictions) -> values of the last axis, or one number.
TERMS = (
    lambda ops, t, p: ops.mean(ops.square(t - p), axis=-1),
    lambda ops, t, p: ops.sum(ops.abs(t - p) * ops.sigmoid(p), axis=-1),
    lambda ops, t, p: ops.logsumexp(p - t, axis=-1),
    lambda ops, t, p: ops.mean(ops.maximum(0.9 * (t - p), -0.1 * (t - p)), axis=-1),
    lambda ops, t, p: ops.sqrt(ops.mean((t - p) ** 2) + 0.1),
    lambda ops, t, p: -ops.sum(ops.softmax(t, axis=-1) * ops.log_softmax(p, axis=-1), axis=-1),
    lambda ops, t, p: ops.mean(ops.where(t > 0, ops.tanh(p), p * p), axis=-1),
    lambda ops, t, p: ops.log1p(ops.exp(-ops.abs(p[..., 0] * t[..., 0]))),
    lambda ops, t, p: ops.var(p, axis=-1) + ops.max(p - t, axis=-1),
    lambda ops, t, p: ops.mean(ops.clip(p, -0.5, 0.5) * t, axis=-1),
)
BUILT_IN = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh", "poisson")
FUNCTIONS = ("tanh", "sigmoid", "softsign", "sin", "elu", "identity")


def loss(package, seed):
    """A weighted sum of terms, some of which are built-in losses."""
    rng = np.random.default_rng(seed)
    terms = rng.choice(len(TERMS), size=2, replace=False)
    factors = rng.uniform(0.2, 1.0, 3)
    name = BUILT_IN[rng.integers(len(BUILT_IN))]

    def made(y_true, y_pred):
        pairs = zip(factors[:2], terms, strict=True)
        total = sum(f * TERMS[k](package.ops, y_true, y_pred) for f, k in pairs)
        if name == "poisson":
            y_pred = package.ops.softplus(y_pred)
        return total + factors[2] * getattr(package.losses, name)(y_true, y_pred)

    return made


def cell(package, seed):
    """A cell with one or two states, gates and functions that the seed chooses."""
    ops, layers = package.ops, package.layers
    rng = np.random.default_rng(seed)
    units, second = int(rng.integers(2, 5)), bool(rng.integers(2))
    names = [FUNCTIONS[k] for k in rng.integers(len(FUNCTIONS), size=3)]
    inner = bool(rng.integers(2))

    def apply(name, x):
        return x if name == "identity" else getattr(ops, name)(x)

    class RandomCell(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.state_size = [units, units] if second else units
            self.gate = layers.Dense(units, activation="sigmoid")

        def build(self, input_shape):
            self.gate.build((None, input_shape[-1] + units))
            self.w = self.add_weight(shape=(input_shape[-1], units), name="w")
            self.u = self.add_weight(shape=(units, units), name="u")
            self.b = self.add_weight(shape=(units,), initializer="zeros", name="b")

        def call(self, inputs, states, training=None):
            h = states[0]
            gate = self.gate(ops.concatenate([inputs, h], axis=-1))
            past = gate * h if inner else h
            new = apply(names[0], ops.matmul(inputs, self.w) + ops.matmul(past, self.u) + self.b)
            h = gate * apply(names[1], h) + (1 - gate) * new
            if not second:
                return h, [h]
            slow = 0.9 * states[1] + 0.1 * apply(names[2], h)
            return h + slow, [h, slow]

    return RandomCell()


def metric(package, seed):
    """The weighted mean of a term, in variables."""
    ops = package.ops
    term = TERMS[seed % len(TERMS)]

    class RandomMetric(package.metrics.Metric):
        def __init__(self, name="random", **kwargs):
            super().__init__(name=name, **kwargs)
            self.total = self.add_weight(name="total", initializer="zeros")
            self.count = self.add_weight(name="count", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign_add(ops.mean(term(ops, ops.cast(y_true, "float32"), y_pred)))
            self.count.assign(self.count + 1)

        def result(self):
            return self.total / self.count

    return RandomMetric()


def model(package, seed):
    """A recurrent model with such a cell, one way of using it, and the loss and metric."""
    layers = package.layers
    rng = np.random.default_rng(seed)
    sequences, backwards, masked = (bool(bit) for bit in rng.integers(2, size=3))
    made = package.Sequential([package.Input((5, 3))])
    if masked:
        made.add(layers.Masking())
    # Keras hands the mask of reversed sequences on as it was.
    backwards = backwards and not (masked and sequences)
    options = {"return_sequences": sequences, "go_backwards": backwards}
    if rng.integers(2):
        made.add(layers.RNN([layers.GRUCell(3), cell(package, seed)], **options))
    else:
        made.add(layers.RNN(cell(package, seed), **options))
    made.add(layers.Dense(2))
    optimizer = package.optimizers.SGD(0.05, momentum=0.5)
    made.compile(optimizer, loss(package, seed), metrics=[metric(package, seed)])
    return made
