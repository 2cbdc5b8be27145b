# ruff: noqa
"""From one sequence to another, encoder and decoder, in the manner of Keras 2.1 to 2.4."""

import numpy as np

from fastrnn.layers import Dense, Input, LSTM
from fastrnn.layers.wrappers import Bidirectional, TimeDistributed
from fastrnn.models import Model
from fastrnn.optimizers.legacy import Adam

samples, encoder_tokens, decoder_tokens, latent, length = 24, 6, 7, 8, 5
encoder_data = np.eye(encoder_tokens)[np.random.randint(0, encoder_tokens, (samples, length))]
decoder_data = np.eye(decoder_tokens)[np.random.randint(0, decoder_tokens, (samples, length))]
target_data = np.roll(decoder_data, -1, axis=1)

encoder_inputs = Input(shape=(None, encoder_tokens))
encoder = LSTM(latent, return_state=True)
encoder_outputs, state_h, state_c = encoder(encoder_inputs)
encoder_states = [state_h, state_c]
decoder_inputs = Input(shape=(None, decoder_tokens))
decoder_lstm = LSTM(latent, return_sequences=True, return_state=True)
decoder_outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=encoder_states)
decoder_dense = Dense(decoder_tokens, activation="softmax")
decoder_outputs = decoder_dense(decoder_outputs)
model = Model([encoder_inputs, decoder_inputs], decoder_outputs)
model.compile(
    optimizer=Adam(lr=0.01, decay=0.0),
    loss="categorical_crossentropy",
    metrics=["accuracy"],
    experimental_run_tf_function=False,
)


def batches(size=8):
    while True:
        for start in range(0, samples, size):
            part = slice(start, start + size)
            yield [encoder_data[part], decoder_data[part]], target_data[part]


def tuples(size=8):
    for (a, b), c in batches(size):
        yield (a, b), c


history = model.fit_generator(
    tuples(),
    steps_per_epoch=3,
    epochs=3,
    verbose=0,
    workers=2,
    use_multiprocessing=False,
    max_queue_size=4,
    validation_data=tuples(),
    validation_steps=3,
)
assert history.history["loss"][-1] < history.history["loss"][0]
assert len(history.history["val_acc"]) == 3
model.evaluate_generator(tuples(), steps=3)

encoder_model = Model(encoder_inputs, encoder_states)
state_inputs = [Input(shape=(latent,)), Input(shape=(latent,))]
outputs, h, c = decoder_lstm(decoder_inputs, initial_state=state_inputs)
decoder_model = Model([decoder_inputs] + state_inputs, [decoder_dense(outputs)] + [h, c])
states = encoder_model.predict(encoder_data[:1], verbose=0)
token = np.zeros((1, 1, decoder_tokens))
token[0, 0, 0] = 1.0
for _ in range(3):
    tokens, h, c = decoder_model.predict([token] + states, verbose=0)
    token = np.eye(decoder_tokens)[tokens[:, -1:].argmax(-1)]
    states = [h, c]
assert tokens.shape == (1, 1, decoder_tokens)
