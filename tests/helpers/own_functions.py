"""Models with functions of one's own, written Keras's way, for the package that is given."""


def activation_lambda(package):
    layers, ops = package.layers, package.ops
    return [layers.GRU(4), layers.Dense(3, activation=lambda x: ops.tanh(x) * x), layers.Dense(2)]


def activation_layer(package):
    def swish(x):
        return x * package.activations.sigmoid(1.5 * x)

    return [package.layers.GRU(4), package.layers.Activation(swish), package.layers.Dense(2)]


def activation_of_a_cell(package):
    def soft(x):
        return x / (1 + package.ops.abs(x))

    return [package.layers.LSTM(4, activation=soft), package.layers.Dense(2)]


def regularizer_function(package):
    def penalty(w):
        return 0.1 * package.ops.sum(package.ops.square(w) * package.ops.abs(w))

    return [package.layers.GRU(4, kernel_regularizer=penalty), package.layers.Dense(2)]


def regularizer_class(package):
    class Towards(package.regularizers.Regularizer):
        def __init__(self, target):
            self.target = target

        def __call__(self, x):
            return package.ops.mean(package.ops.square(x - self.target))

        def get_config(self):
            return {"target": self.target}

    layers = package.layers
    return [layers.GRU(4, activity_regularizer=Towards(0.5)), layers.Dense(2)]


def constraint_function(package):
    def small(w):
        return package.ops.clip(w, -0.3, 0.3)

    return [package.layers.GRU(4), package.layers.Dense(2, kernel_constraint=small)]


def initializer_class(package):
    class Ramp(package.initializers.Initializer):
        def __call__(self, shape, dtype=None, **kwargs):
            return package.ops.ones(shape, dtype=dtype) * 0.25

    layers = package.layers
    return [layers.GRU(4, kernel_initializer=Ramp()), layers.Dense(2)]


def lambda_of_operations(package):
    layers, ops = package.layers, package.ops
    return [
        layers.GRU(4, return_sequences=True),
        layers.Lambda(lambda x: ops.mean(ops.tanh(x) * 2 + x**2, axis=1), output_shape=(4,)),
        layers.Dense(2),
    ]


OWN_FUNCTIONS = [
    activation_lambda, activation_layer, activation_of_a_cell, regularizer_function,
    regularizer_class, constraint_function, initializer_class, lambda_of_operations,
]  # fmt: skip
