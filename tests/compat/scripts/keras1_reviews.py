# ruff: noqa
"""Reviews, good or bad, in the manner of Keras 1.1."""

import numpy as np

np.random.seed(1337)

from fastrnn.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from fastrnn.layers import Bidirectional
from fastrnn.layers.convolutional import Convolution1D, MaxPooling1D
from fastrnn.layers.core import Activation, Dense, Dropout
from fastrnn.layers.embeddings import Embedding
from fastrnn.layers.normalization import BatchNormalization
from fastrnn.layers.recurrent import GRU
from fastrnn.models import Sequential
from fastrnn.optimizers import Adam
from fastrnn.preprocessing import sequence
from fastrnn.regularizers import l1l2, l2
from fastrnn.utils import np_utils

max_features, maxlen, batch_size = 50, 12, 16
reviews = [list(np.random.randint(1, max_features, np.random.randint(3, 20))) for _ in range(64)]
labels = np.array([int(np.mean(review) > 25) for review in reviews])
X = sequence.pad_sequences(reviews, maxlen=maxlen)
Y = np_utils.to_categorical(labels, nb_classes=2)

model = Sequential()
model.add(Embedding(max_features, 16, input_length=maxlen, dropout=0.2, init="uniform"))
model.add(
    Convolution1D(
        nb_filter=8,
        filter_length=3,
        border_mode="same",
        subsample_length=1,
        activation="relu",
        W_regularizer=l2(0.001),
    )
)
model.add(MaxPooling1D(pool_length=2))
model.add(BatchNormalization(mode=0, axis=-1))
model.add(Bidirectional(GRU(8, dropout_W=0.2, dropout_U=0.2, b_regularizer=l1l2(l1=1e-4, l2=1e-4))))
model.add(Dense(2))
model.add(Activation("softmax"))
model.summary()
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], class_mode="categorical")
model.compile(
    Adam(lr=0.01, beta_1=0.9, beta_2=0.999, epsilon=None, decay=1e-4),
    "categorical_crossentropy",
    metrics=["acc"],
)
history = model.fit(
    X,
    Y,
    batch_size=batch_size,
    nb_epoch=3,
    validation_split=0.25,
    verbose=0,
    shuffle=True,
    callbacks=[
        EarlyStopping(monitor="val_accuracy", patience=5, mode="max"),
        ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=0, epsilon=1.0),
    ],
)
score, acc = model.evaluate(X, Y, batch_size=batch_size, verbose=0)
assert history.history["accuracy"] == history.history["acc"]
assert len(history.history["lr"]) == len(history.epoch)
assert model.predict_classes(X, verbose=0).shape == (64,)
assert model.predict_proba(X, verbose=0).shape == (64, 2)
