"""One model around each layer: what a file must carry through. ``k`` is fastrnn or Keras."""

import numpy as np

TIME, FEATURES, VOCABULARY = 5, 3, 7


def chain(*make, shape=(TIME, FEATURES), **options):
    """A model of layers one after the other."""

    def build(k):
        tensor = inputs = k.Input(shape, **options)
        for function in make:
            tensor = function(k.layers)(tensor)
        return k.Model(inputs, tensor)

    return build


def merged(name, **options):
    def build(k):
        a = k.Input((TIME, FEATURES))
        b = k.layers.Dense(FEATURES)(a)
        return k.Model(a, getattr(k.layers, name)(**options)([a, b]))

    return build


def named(name, *args, shape=(TIME, FEATURES), **options):
    return chain(lambda L: getattr(L, name)(*args, **options), shape=shape)


def attention(name):
    def build(k):
        a = k.Input((TIME, FEATURES))
        b = k.layers.Dense(FEATURES)(a)
        return k.Model(a, getattr(k.layers, name)(use_scale=True)([a, b]))

    return build


def heads(k):
    a = k.Input((TIME, FEATURES))
    b = k.layers.Dense(FEATURES)(a)
    layer = k.layers.MultiHeadAttention(2, 3, value_dim=2, dropout=0.1)
    return k.Model(a, layer(a, b, use_causal_mask=True))


def cells(*names):
    def build(k):
        made = [getattr(k.layers, name)(2 + n) for n, name in enumerate(names)]
        a = k.Input((TIME, FEATURES))
        return k.Model(a, k.layers.RNN(made if len(made) > 1 else made[0])(a))

    return build


def all_options(k):
    """A recurrent layer with every option of its configuration changed."""
    a = k.Input((TIME, FEATURES))
    layer = k.layers.LSTM(
        3, activation="relu", recurrent_activation="hard_sigmoid",
        kernel_initializer=k.initializers.RandomNormal(stddev=0.1, seed=3),
        recurrent_initializer="glorot_normal", bias_initializer=k.initializers.Constant(0.5),
        unit_forget_bias=False, kernel_regularizer="l2",
        recurrent_regularizer=k.regularizers.L1L2(0.1, 0.2), bias_regularizer="l1",
        activity_regularizer="l2", kernel_constraint="max_norm",
        recurrent_constraint=k.constraints.MinMaxNorm(0.1, 2.0), bias_constraint="non_neg",
        dropout=0.2, recurrent_dropout=0.1, seed=5, return_sequences=True, return_state=True,
        go_backwards=True, zero_output_for_mask=True, name="all_options",
    )  # fmt: skip
    return k.Model(a, list(layer(a)))


LAYERS = {
    "Activation": named("Activation", "softmax"),
    "ActivityRegularization": named("ActivityRegularization", 0.1),
    "AdaptiveAveragePooling1D": named("AdaptiveAveragePooling1D", 2),
    "AdaptiveMaxPooling1D": named("AdaptiveMaxPooling1D", 2),
    "Add": merged("Add"),
    "AdditiveAttention": attention("AdditiveAttention"),
    "AlphaDropout": named("AlphaDropout", 0.2, seed=4),
    "Attention": attention("Attention"),
    "Average": merged("Average"),
    "AveragePooling1D": named("AveragePooling1D", 2),
    "BatchNormalization": named("BatchNormalization", momentum=0.9),
    "Bidirectional": chain(lambda L: L.Bidirectional(L.LSTM(2), merge_mode="ave")),
    "Concatenate": merged("Concatenate", axis=1),
    "Conv1D": named("Conv1D", 2, 3, padding="causal", dilation_rate=2, activation="relu"),
    "Conv1DTranspose": named("Conv1DTranspose", 2, 3, strides=2, padding="same"),
    "Cropping1D": named("Cropping1D", (1, 2)),
    "Dense": named("Dense", 2, activation="tanh", use_bias=False, kernel_regularizer="l1"),
    "DepthwiseConv1D": named("DepthwiseConv1D", 2, depth_multiplier=2, activation="relu"),
    "Dot": merged("Dot", axes=(2, 2), normalize=True),
    "Dropout": named("Dropout", 0.5, noise_shape=(None, 1, FEATURES), seed=3),
    "ELU": named("ELU", alpha=0.5),
    "EinsumDense": named("EinsumDense", "abc,cd->abd", (None, 2), bias_axes="d"),
    "Embedding": named("Embedding", VOCABULARY, 3, mask_zero=True, shape=(TIME,)),
    "Flatten": named("Flatten"),
    "GRU": named("GRU", 3, reset_after=False, return_sequences=True),
    "GRUCell": cells("GRUCell"),
    "GaussianDropout": named("GaussianDropout", 0.2),
    "GaussianNoise": named("GaussianNoise", 0.1),
    "GlobalAveragePooling1D": named("GlobalAveragePooling1D", keepdims=True),
    "GlobalMaxPooling1D": named("GlobalMaxPooling1D"),
    "GroupNormalization": named("GroupNormalization", groups=3, epsilon=0.01),
    "Identity": named("Identity"),
    "InputLayer": named("Identity", shape=(None, FEATURES)),
    "LSTM": all_options,
    "LSTMCell": cells("LSTMCell"),
    "LayerNormalization": named("LayerNormalization", epsilon=0.01, center=False),
    "LeakyReLU": named("LeakyReLU", negative_slope=0.1),
    "Masking": chain(lambda L: L.Masking(0.5), lambda L: L.LSTM(2, return_sequences=True)),
    "MaxPooling1D": named("MaxPooling1D", 2, strides=1, padding="same"),
    "Maximum": merged("Maximum"),
    "Minimum": merged("Minimum"),
    "MultiHeadAttention": heads,
    "Multiply": merged("Multiply"),
    "Normalization": named("Normalization", mean=(1.0, 2.0, 3.0), variance=(2.0, 3.0, 4.0)),
    "PReLU": named("PReLU", shared_axes=(1,)),
    "Permute": named("Permute", (2, 1)),
    "RMSNormalization": named("RMSNormalization", epsilon=0.01),
    "RNN": cells("LSTMCell", "GRUCell"),
    "ReLU": named("ReLU", max_value=2.0, negative_slope=0.1, threshold=0.2),
    "RepeatVector": named("RepeatVector", 4, shape=(FEATURES,)),
    "Rescaling": named("Rescaling", 0.5, offset=1.0),
    "Reshape": named("Reshape", (-1, 1)),
    "SeparableConv1D": named("SeparableConv1D", 2, 3, depth_multiplier=2),
    "SimpleRNN": named("SimpleRNN", 3, stateful=False),
    "SimpleRNNCell": cells("SimpleRNNCell"),
    "Softmax": named("Softmax", axis=1),
    "SpatialDropout1D": named("SpatialDropout1D", 0.5),
    "SpectralNormalization": chain(lambda L: L.SpectralNormalization(L.Dense(2))),
    "StackedRNNCells": cells("SimpleRNNCell", "LSTMCell", "GRUCell"),
    "Subtract": merged("Subtract"),
    "TimeDistributed": chain(lambda L: L.TimeDistributed(L.Dense(2))),
    "UnitNormalization": named("UnitNormalization"),
    "UpSampling1D": named("UpSampling1D", 3),
    "ZeroPadding1D": named("ZeroPadding1D", (1, 2)),
}
# Layers that Keras has not.
OWN_LAYERS = {
    "LayerNormGRU": named("LayerNormGRU", 3, epsilon=0.1, zoneout=0.1),
    "LayerNormGRUCell": cells("LayerNormGRUCell"),
    "LayerNormLSTM": named("LayerNormLSTM", 3, gain_regularizer="l2", cell_zoneout=0.2),
    "LayerNormLSTMCell": cells("LayerNormLSTMCell"),
    "PeepholeLSTM": named("PeepholeLSTM", 3, peephole_constraint="non_neg", zoneout=0.1),
    "PeepholeLSTMCell": cells("PeepholeLSTMCell"),
    "ProjectedLSTM": named("ProjectedLSTM", 4, 3, projection_regularizer="l1"),
    "ProjectedLSTMCell": chain(lambda L: L.RNN(L.ProjectedLSTMCell(4, 3))),
}
# Layers of fastrnn that are operations in Keras, and models: GRAPHS has them. Lambda: in code only.
# The last ones take no floats: tests/layers/test_preprocessing.py has their files.
NO_LAYERS = {
    "Wrapper",
    "Functional", "Sequential", "Lambda",
    "CategoryEncoding", "Discretization", "Hashing", "IntegerLookup", "StringLookup",
    "TextVectorization",
}  # fmt: skip


def sequential(k):
    L = k.layers
    return k.Sequential(
        [k.Input((TIME,)), L.Embedding(VOCABULARY, 3, mask_zero=True), L.GRU(4), L.Dense(2)]
    )


def built_by_data(k):
    model = k.Sequential([k.layers.LSTM(3, return_sequences=True), k.layers.Dense(2)])
    model.build((None, TIME, FEATURES))
    return model


def nested(k):
    a = k.Input((FEATURES,))
    inner = k.Model(a, k.layers.Dense(FEATURES)(a))
    chain = k.Sequential([k.Input((FEATURES,)), k.layers.Dense(FEATURES, "tanh")])
    x = k.Input((FEATURES,))
    y = inner(inner(x))
    return k.Model(x, [y, k.layers.Dense(1)(chain(y)), chain(x)])


def shared(k):
    x, y = k.Input((TIME, FEATURES), name="x"), k.Input((TIME, FEATURES), name="y")
    layer, dense = k.layers.LSTM(3), k.layers.Dense(2)
    return k.Model({"x": x, "y": y}, {"a": dense(layer(x)), "b": dense(layer(y))})


def shared_by_models(k):
    a, b = k.Input((TIME, FEATURES)), k.Input((TIME, FEATURES))
    layer = k.layers.GRU(FEATURES, return_sequences=True)
    one = k.Sequential([k.Input((TIME, FEATURES)), layer])
    two = k.Model(b, k.layers.Dense(2)(layer(b)))
    return k.Model(a, two(one(a)))


def operators(k):
    x = k.Input((TIME, FEATURES))
    y = k.layers.Dense(FEATURES)(x)
    z = (1 - y / 2) * x - 3 / (x * x + 1.5) + (-y)
    return k.Model(x, [z[:, -1], z[..., None, 1:], y[:, ::2] + 1, z[:, 1:3, 0]])


def handover(k):
    x, y = k.Input((TIME,)), k.Input((None,))
    embedding = k.layers.Embedding(VOCABULARY, 3, mask_zero=True)
    _, *states = k.layers.LSTM(4, return_state=True)(embedding(x))
    decoder = k.layers.LSTM(4, return_sequences=True)
    return k.Model([x, y], k.layers.Dense(2)(decoder(embedding(y), initial_state=states)))


def masks(k):
    x = k.Input((TIME, FEATURES))
    masked = k.layers.Masking()(x)
    both = k.layers.Bidirectional(k.layers.GRU(2, return_sequences=True))(masked)
    joined = k.layers.Concatenate()([both, masked])
    return k.Model(x, k.layers.LSTM(2)(k.layers.TimeDistributed(k.layers.Dense(2))(joined)))


def stateful(k):
    x = k.Input(batch_shape=(4, TIME, FEATURES))
    return k.Model(x, k.layers.GRU(2, stateful=True)(x))


GRAPHS = {
    function.__name__: function
    for function in (
        sequential, built_by_data, nested, shared, operators, handover, masks, stateful,
    )
}  # fmt: skip


def batch_for(model, seed=0, samples=4):
    """Inputs for a model, in the structure that it takes."""
    rng = np.random.default_rng(seed)

    def one(tensor):
        shape = [TIME if n is None else n for n in tensor.shape[1:]]
        if len(shape) == 1 and shape[0] != FEATURES:
            return rng.integers(0, VOCABULARY, (samples, *shape))
        x = rng.standard_normal((samples, *shape)).astype("float32")
        if len(shape) == 2:
            x[::2, -2:] = 0
        return x

    if isinstance(model.input, dict):
        return {name: one(tensor) for name, tensor in model.input.items()}
    arrays = [one(tensor) for tensor in model.inputs]
    return arrays[0] if len(arrays) == 1 else arrays
