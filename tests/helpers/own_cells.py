"""Cells of one's own, written Keras's way: each function makes one for the package it is given."""


def minimal(package):
    ops = package.ops

    class MinimalCell(package.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.state_size = units

        def build(self, input_shape):
            shape = (input_shape[-1], self.units)
            self.kernel = self.add_weight(shape=shape, initializer="uniform", name="kernel")
            self.recurrent_kernel = self.add_weight(
                shape=(self.units, self.units), initializer="uniform", name="recurrent_kernel"
            )
            self.built = True

        def call(self, inputs, states):
            h = ops.matmul(inputs, self.kernel)
            output = h + ops.matmul(states[0], self.recurrent_kernel)
            return output, [output]

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    return MinimalCell(4)


def two_states(package):
    ops = package.ops

    class Cell(package.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.output_size = units
            self.gates = package.layers.Dense(2 * units, activation="sigmoid")
            self.candidate = package.layers.Dense(units, activation="tanh")

        @property
        def state_size(self):
            return [self.units, 2]

        def build(self, input_shape):
            for layer in (self.gates, self.candidate):
                layer.build((None, input_shape[-1] + self.units))

        def call(self, inputs, states, training=None):
            h, count = states
            z = ops.concatenate([inputs, h], axis=-1)
            reset, update = ops.split(self.gates(z), 2, axis=-1)
            new = self.candidate(ops.concatenate([inputs, reset * h], axis=-1))
            h = update * h + (1 - update) * new / (1 + ops.mean(count, axis=-1, keepdims=True))
            return h, [h, count + 1]

        def get_initial_state(self, batch_size=None):
            return [ops.zeros((batch_size, self.units)), ops.ones((batch_size, 2))]

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    return Cell(4)


def built_in_inside(package):
    class Wrapped(package.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.cell = package.layers.LSTMCell(units)
            self.state_size = self.cell.state_size

        def build(self, input_shape):
            self.cell.build(input_shape)
            self.gain = self.add_weight(shape=(self.units,), initializer="ones", name="gain")

        def call(self, inputs, states):
            output, states = self.cell(inputs, states)
            return output * self.gain, states

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    return Wrapped(4)


def with_dropout(package):
    class Dropped(package.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = self.state_size = units
            self.dense = package.layers.Dense(units, activation="tanh")
            self.dropout = package.layers.Dropout(0.0)

        def build(self, input_shape):
            self.dense.build((None, input_shape[-1] + self.units))

        def call(self, inputs, states, training=False):
            h = states[0]
            z = package.ops.concatenate([inputs, self.dropout(h, training=training)], -1)
            h = self.dense(z)
            return h, h

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    return Dropped(4)


OWN_CELLS = [minimal, two_states, built_in_inside, with_dropout]
