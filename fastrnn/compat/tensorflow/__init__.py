"""TensorFlow's names, for scripts of the form ``import tensorflow as tf`` and ``tf.keras…``.

``tf.keras`` is fastrnn.

>>> import fastrnn.compat.tensorflow as tf
>>> tf.keras.layers.LSTM(3).units
3
"""

import sys

from fastrnn.compat.aliases import KERAS, AliasFinder

sys.meta_path.insert(0, AliasFinder({f"{__name__}.keras": KERAS, "fastrnn.compat.keras": KERAS}))

from fastrnn.compat import keras  # noqa: E402

__all__ = ["keras"]
