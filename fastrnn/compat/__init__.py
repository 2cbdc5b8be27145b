"""Scripts written for Keras or TensorFlow, run without a change.

:func:`install_as_keras` makes ``import keras`` and ``import tensorflow`` give fastrnn;
``fastrnn.compat.tensorflow`` is what they find under ``tf``.
"""

from fastrnn.compat.installation import Installation, install_as_keras

__all__ = ["Installation", "install_as_keras"]
