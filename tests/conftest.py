"""What all tests share: live Keras runs on the torch backend."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
