"""A training loop of one's own, as TensorFlow's guides write it."""

import numpy as np

import fastrnn.compat.tensorflow as tf


class Classifier(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.recurrent = tf.keras.layers.LSTM(8)
        self.logits = tf.keras.layers.Dense(2)

    def call(self, x, training=False):
        return self.logits(self.recurrent(x))


def test_a_tape_trains():
    tf.random.set_seed(0)
    x = np.random.default_rng(0).normal(size=(64, 8, 2)).astype("float32")
    y = (x.sum((1, 2)) > 0).astype("int64")
    batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(64).batch(16).prefetch(1)
    model, optimizer = Classifier(), tf.keras.optimizers.Adam(0.05)
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    mean, accuracy = tf.keras.metrics.Mean(), tf.keras.metrics.SparseCategoricalAccuracy()

    @tf.function
    def step(inputs, labels):
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            loss = loss_of(labels, outputs)
            loss += 0.001 * tf.add_n([tf.nn.l2_loss(v) for v in model.trainable_variables])
        gradients = tape.gradient(loss, model.trainable_variables)
        gradients, _ = tf.clip_by_global_norm(gradients, 1.0)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        mean(loss)
        accuracy(labels, outputs)

    means = []
    for _ in range(6):
        mean.reset_state()
        accuracy.reset_state()
        for inputs, labels in batches:
            step(inputs, labels)
        means.append(float(mean.result()))
    assert means[-1] < 0.5 * means[0]
    assert float(accuracy.result()) > 0.9
