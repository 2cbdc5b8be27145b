"""Layers as people write them: each function takes the package, and returns classes and a model.

The very same code runs on fastrnn and on Keras. A model takes sequences (batch, 5, 3).
"""

import numpy as np


def sublayers(k):
    class Encoder(k.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.rnn = k.layers.LSTM(units)
            self.head = k.layers.Dense(1)

        def call(self, inputs):
            return self.head(self.rnn(inputs))

    return Encoder, lambda x: Encoder(4)(x)


def additive_attention(k):
    class Attention(k.layers.Layer):
        def __init__(self, units=4, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            self.w = self.add_weight(
                name="w", shape=(input_shape[-1], self.units), initializer="glorot_uniform"
            )
            self.b = self.add_weight(name="b", shape=(self.units,), initializer="zeros")
            self.v = self.add_weight(name="v", shape=(self.units, 1), initializer="uniform")
            super().build(input_shape)

        def call(self, x):
            scores = k.ops.matmul(k.ops.tanh(k.ops.matmul(x, self.w) + self.b), self.v)
            weights = k.ops.softmax(scores, axis=1)
            return k.ops.sum(weights * x, axis=1)

        def compute_output_shape(self, input_shape):
            return (input_shape[0], input_shape[-1])

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    return Attention, lambda x: Attention(6)(k.layers.GRU(5, return_sequences=True)(x))


def masked_attention(k):
    class Attention(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.supports_masking = True
            self.score = k.layers.Dense(1, activation="tanh")

        def call(self, inputs, mask=None):
            scores = self.score(inputs)
            if mask is not None:
                scores = scores - 1e4 * (1 - k.ops.cast(mask, "float32")[..., None])
            return k.ops.sum(k.ops.softmax(scores, axis=1) * inputs, axis=1)

        def compute_mask(self, inputs, mask=None):
            return None

    def model(x):
        x = k.layers.Masking()(x)
        return Attention()(k.layers.LSTM(4, return_sequences=True)(x))

    return Attention, model


def several_inputs(k):
    class Combine(k.layers.Layer):
        def build(self, query_shape, value_shape):
            self.bilinear = self.add_weight(
                shape=(query_shape[-1], value_shape[-1]), initializer="glorot_normal"
            )

        def call(self, query, value, *, scale=1.0):
            scores = k.ops.matmul(
                k.ops.matmul(query, self.bilinear), k.ops.transpose(value, (0, 2, 1))
            )
            weights = k.ops.softmax(scale * scores)
            return k.ops.matmul(weights, value), weights

    def model(x):
        q = k.layers.GRU(4, return_sequences=True)(x)
        context, weights = Combine()(q, x, scale=0.5)
        both = k.layers.Concatenate()([context, weights])
        return k.layers.GlobalAveragePooling1D()(both)

    return Combine, model


def lists_and_dicts(k):
    class Towers(k.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.towers = [k.layers.Dense(n, activation="tanh") for n in units]
            self.heads = {"mean": k.layers.Dense(2), "last": k.layers.Dense(2)}

        def call(self, inputs):
            x = inputs["x"]
            for tower in self.towers:
                x = tower(x)
            mean = self.heads["mean"](k.ops.mean(x, axis=1))
            return {"sum": mean + self.heads["last"](x[:, -1]), "x": x}

    def model(x):
        found = Towers([4, 3])({"x": x})
        return k.layers.Concatenate()([found["sum"], found["x"][:, 0]])

    return Towers, model


def moving_average(k):
    class Centred(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.gain = self.add_weight(shape=(3,), initializer="ones", name="gain")
            self.mean = self.add_weight(
                shape=(3,), initializer="zeros", trainable=False, name="mean"
            )
            self.count = self.add_weight(
                shape=(), initializer="zeros", dtype="int32", trainable=False, name="count"
            )

        def call(self, inputs, training=False):
            if training:
                self.mean.assign(0.9 * self.mean + 0.1 * k.ops.mean(inputs, axis=(0, 1)))
                self.count.assign_add(1)
            return (inputs - self.mean) * self.gain

    return Centred, lambda x: k.layers.GRU(4)(Centred()(x))


def dropout_inside(k):
    class Block(k.layers.Layer):
        def __init__(self, rate=0.5, **kwargs):
            super().__init__(**kwargs)
            self.inner = k.layers.Dense(3)
            self.rate = rate
            self.norm = k.layers.LayerNormalization()

        def build(self, input_shape):
            self.inner.build(input_shape)
            self.norm.build(input_shape)
            self.built = True

        def call(self, x, training=None):
            y = self.inner(x)
            return self.norm(x + (2 * y if training else y))

    return Block, lambda x: k.layers.Flatten()(Block()(x))


def losses_of_its_own(k):
    class Penalty(k.layers.Layer):
        def __init__(self, factor=0.1, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor
            self.kernel = k.layers.Dense(2, kernel_regularizer="l2", activity_regularizer="l1")

        def call(self, inputs):
            code = self.kernel(inputs)
            self.add_loss(self.factor * k.ops.mean(k.ops.square(code)))
            return code

    return Penalty, lambda x: Penalty(0.3)(k.layers.LSTM(3)(x))


def extended_dense(k):
    class Scaled(k.layers.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")

        def call(self, inputs):
            return super().call(inputs) * self.scale

    return Scaled, lambda x: k.layers.GRU(3)(Scaled(4, activation="tanh")(x))


def extended_lstm(k):
    class Doubled(k.layers.LSTM):
        def call(self, sequences, initial_state=None, mask=None, training=False):
            outputs = super().call(
                sequences, initial_state=initial_state, mask=mask, training=training
            )
            return 2.0 * outputs

    return Doubled, lambda x: Doubled(4, return_sequences=True)(x)


def nested(k):
    inner, _ = sublayers(k)

    class Outer(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.blocks = [inner(2), inner(3)]
            self.alpha = self.add_weight(shape=(2,), initializer="ones", name="alpha")

        def call(self, x):
            found = [block(x) * self.alpha[j] for j, block in enumerate(self.blocks)]
            return k.ops.concatenate(found, axis=-1)

    return Outer, lambda x: Outer()(x)


def positions(k):
    class Positions(k.layers.Layer):
        def __init__(self, length, width, **kwargs):
            super().__init__(**kwargs)
            self.length, self.width = length, width
            self.table = k.layers.Embedding(length, width)

        def call(self, x):
            steps = k.ops.shape(x)[1]
            return x + self.table(np.arange(steps))

    return Positions, lambda x: k.layers.LSTM(4)(Positions(5, 3)(x))


def by_batch(k):
    class Tiled(k.layers.Layer):
        def build(self, input_shape):
            shape = (1, 1, input_shape[-1])
            self.start = self.add_weight(shape=shape, initializer="uniform", name="start")

        def call(self, x):
            batch = k.ops.shape(x)[0]
            start = self.start + k.ops.zeros((batch, 1, x.shape[-1]))
            return k.ops.concatenate([start, x], axis=1)

    return Tiled, lambda x: k.layers.GRU(4)(Tiled()(x))


OWN_LAYERS = [
    sublayers, additive_attention, masked_attention, several_inputs, lists_and_dicts,
    moving_average, dropout_inside, losses_of_its_own, extended_dense, extended_lstm, nested,
    positions, by_batch,
]  # fmt: skip


def random_layer(seed):
    """Return a layer of random steps, each of which keeps the shape (batch, 5, 3)."""
    steps = np.random.default_rng(seed).choice(len(_STEPS), 5).tolist()

    def make(k):
        class Random(k.layers.Layer):
            def __init__(self, steps, **kwargs):
                super().__init__(**kwargs)
                self.steps = steps
                self.parts = {str(j): _parts(k, n) for j, n in enumerate(steps)}

            def build(self, input_shape):
                self.kernels = [
                    self.add_weight(shape=(3, 3), initializer="glorot_uniform", name=f"w{j}")
                    for j in range(len(self.steps))
                ]

            def call(self, x, training=None):
                for j, n in enumerate(self.steps):
                    w = self.kernels[j]
                    x = _STEPS[n](k.ops, x, self.parts[str(j)], w) + 0.1 * w[0]
                return x

        return Random, lambda x: k.layers.Flatten()(Random(steps)(x))

    make.__name__ = f"random_{seed}"
    return make


def _parts(k, n):
    """Return the layers that a step may use."""
    kinds = [
        lambda: k.layers.Dense(3, activation="tanh"),
        lambda: k.layers.LSTM(3, return_sequences=True),
        lambda: k.layers.LayerNormalization(),
    ]
    return kinds[n % 3]()


_STEPS = [
    lambda ops, x, part, w: part(x) + x,
    lambda ops, x, part, w: part(ops.matmul(x, w)),
    lambda ops, x, part, w: part(x) * ops.softmax(ops.matmul(x, w), axis=1),
    lambda ops, x, part, w: ops.where(x > 0, part(x), 0.1 * x) - w[0],
    lambda ops, x, part, w: part(ops.abs(x)) / (1.0 + ops.abs(x)),
    lambda ops, x, part, w: ops.concatenate([part(x)[..., :2], x[..., 2:]], axis=-1),
    lambda ops, x, part, w: part(x) - ops.mean(ops.square(x), axis=1, keepdims=True),
    lambda ops, x, part, w: ops.tanh(ops.transpose(ops.transpose(part(x), (0, 2, 1)), (0, 2, 1))),
]  # fmt: skip
OWN_LAYERS += [random_layer(seed) for seed in range(6)]
