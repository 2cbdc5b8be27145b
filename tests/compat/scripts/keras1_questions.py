# ruff: noqa
"""Stories and questions, joined by a Merge and by merge(mode=…), in the manner of Keras 1.0."""

import numpy as np

from fastrnn.layers import Input, Merge, merge
from fastrnn.layers.core import Dense, Dropout, RepeatVector
from fastrnn.layers.embeddings import Embedding
from fastrnn.layers.recurrent import LSTM
from fastrnn.models import Model, Sequential

vocabulary, story_maxlen, query_maxlen = 20, 10, 4
stories = np.random.randint(0, vocabulary, (32, story_maxlen))
queries = np.random.randint(0, vocabulary, (32, query_maxlen))
answers = np.eye(vocabulary)[stories[:, 0]]

sentrnn = Sequential()
sentrnn.add(Embedding(vocabulary, 8, input_length=story_maxlen))
sentrnn.add(Dropout(0.3))
qrnn = Sequential()
qrnn.add(Embedding(vocabulary, 8, input_length=query_maxlen))
qrnn.add(LSTM(8, return_sequences=False))
qrnn.add(RepeatVector(story_maxlen))
model = Sequential()
model.add(Merge([sentrnn, qrnn], mode="sum"))
model.add(LSTM(8, return_sequences=False))
model.add(Dense(vocabulary, activation="softmax"))
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
model.fit([stories, queries], answers, batch_size=8, nb_epoch=2, validation_split=0.25, verbose=0)
loss, acc = model.evaluate([stories, queries], answers, batch_size=8, verbose=0)

story = Input(shape=(story_maxlen,), dtype="int32")
query = Input(shape=(query_maxlen,), dtype="int32")
read = LSTM(8)(Embedding(output_dim=8, input_dim=vocabulary, input_length=story_maxlen)(story))
asked = LSTM(8)(Embedding(output_dim=8, input_dim=vocabulary, mask_zero=True)(query))
joined = merge([read, asked], mode="concat", concat_axis=-1)
weighed = merge([read, asked], mode="mul")
joined = merge([joined, weighed], mode="concat")
answer = Dense(vocabulary, activation="softmax")(joined)
model = Model(input=[story, query], output=answer)
model.compile(optimizer="rmsprop", loss="categorical_crossentropy")
model.fit([stories, queries], answers, nb_epoch=1, batch_size=8, verbose=0)
assert model.predict([stories, queries], verbose=0).shape == (32, vocabulary)
