"""Models as people write them: each function takes the package and returns a model.

The very same code runs on fastrnn and on Keras. A model takes sequences (batch, 5, 3).
"""


def plain(k):
    class Classifier(k.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.rnn = k.layers.LSTM(units, return_sequences=True)
            self.drop = k.layers.Dropout(0.5)
            self.head = k.layers.Dense(2)

        def call(self, inputs, training=None):
            x = self.drop(self.rnn(inputs), training=training)
            return self.head(k.ops.mean(x, axis=1))

    return Classifier(4)


def with_states(k):
    class Generator(k.Model):
        def __init__(self):
            super().__init__()
            self.gru = k.layers.GRU(4, return_sequences=True, return_state=True)
            self.dense = k.layers.Dense(3)

        def call(self, inputs, states=None, return_state=False, training=False):
            x, states = self.gru(inputs, initial_state=states, training=training)
            x = self.dense(x)
            return (x, states) if return_state else x

    return Generator()


def variational(k):
    class Sampling(k.layers.Layer):
        def call(self, inputs):
            mean, log_var = inputs
            return mean + k.ops.exp(0.5 * log_var) * 0.1

    class Autoencoder(k.Model):
        def __init__(self):
            super().__init__()
            self.encoder = k.layers.GRU(4)
            self.mean, self.log_var = k.layers.Dense(2), k.layers.Dense(2)
            self.sampling = Sampling()
            self.decoder = k.layers.Dense(3)

        def call(self, inputs):
            code = self.encoder(inputs)
            mean, log_var = self.mean(code), self.log_var(code)
            kl = -0.5 * k.ops.sum(1 + log_var - k.ops.square(mean) - k.ops.exp(log_var))
            self.add_loss(0.01 * kl)
            return self.decoder(self.sampling([mean, log_var]))

    return Autoencoder()


def of_models(k):
    class Encoder(k.Model):
        def __init__(self):
            super().__init__()
            self.inner = k.Sequential([k.layers.LSTM(3, return_sequences=True), k.layers.Dense(3)])
            self.scale = self.add_weight(shape=(3,), initializer="ones", name="scale")

        def call(self, x):
            return {"sequence": self.inner(x) * self.scale}

    class Outer(k.Model):
        def __init__(self):
            super().__init__()
            self.encoder = Encoder()
            self.head = k.layers.Dense(1)

        def call(self, x):
            return self.head(self.encoder(x)["sequence"])

    return Outer()


def functional_subclass(k):
    class Trained(k.Model):
        def scaled(self):
            return 2

    entry = k.Input((5, 3))
    return Trained(entry, k.layers.Dense(1)(k.layers.GRU(3)(entry)))


def functional_inside(k):
    class Built(k.Model):
        def __init__(self, units):
            entry = k.Input((5, 3))
            super().__init__(inputs=entry, outputs=k.layers.LSTM(units)(entry))

    return Built(3)


OWN_MODELS = [plain, with_states, variational, of_models, functional_subclass, functional_inside]


def own_step(k, tape, gradient_of):
    """A step of its own with a tape; Keras on torch has none, so ``tape`` and ``gradient_of``."""

    class Trained(k.Model):
        def __init__(self):
            super().__init__()
            self.rnn = k.layers.LSTM(3, kernel_regularizer="l2")
            self.head = k.layers.Dense(2, activity_regularizer="l1")
            self.loss_tracker = k.metrics.Mean(name="loss")
            self.error = k.metrics.MeanAbsoluteError(name="error")

        def call(self, x):
            code = self.rnn(x)
            self.add_loss(0.1 * k.ops.sum(k.ops.square(code)))
            return self.head(code)

        @property
        def metrics(self):
            return [self.loss_tracker, self.error]

        def train_step(self, data):
            x, y = data
            with tape() as recorded:
                y_pred = self(x, training=True)
                loss = k.ops.mean(k.ops.square(y_pred - y)) + 2.0 * sum(self.losses)
            gradients = gradient_of(recorded, loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            self.loss_tracker.update_state(loss)
            self.error.update_state(y, y_pred)
            return {metric.name: metric.result() for metric in self.metrics}

        def test_step(self, data):
            x, y = data
            y_pred = self(x, training=False)
            self.loss_tracker.update_state(self.compute_loss(x, y, y_pred))
            self.error.update_state(y, y_pred)
            return {metric.name: metric.result() for metric in self.metrics}

    return Trained()


def own_loss(k):
    class Weighed(k.Model):
        def __init__(self):
            super().__init__()
            self.rnn = k.layers.GRU(3, kernel_regularizer="l2")
            self.head = k.layers.Dense(1)

        def call(self, x):
            return self.head(self.rnn(x))

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            loss = super().compute_loss(x, y, y_pred, sample_weight)
            return 3.0 * loss + k.ops.mean(k.ops.square(y_pred))

    return Weighed()
