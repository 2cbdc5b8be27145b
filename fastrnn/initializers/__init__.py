"""Initial values of weights, under Keras's names.

An initializer is called with a shape and gives an array. It has one seed, drawn when it is made if
none is given; called twice with the same shape, it gives the same values twice.

>>> from fastrnn import initializers
>>> initializers.get("zeros")((2,))
array([0., 0.], dtype=float32)
>>> initializers.GlorotUniform(seed=1)((3, 4)).shape
(3, 4)
"""

from fastrnn.core.lazy import lazy_attributes
from fastrnn.core.old_names import OLD_NAMES
from fastrnn.core.old_paths import old_modules
from fastrnn.initializers.base import Initializer, registry
from fastrnn.initializers.constant import STFT, Constant, Identity, Ones, Zeros
from fastrnn.initializers.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    compute_fans,
)

__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "deserialize",
    "get",
    "serialize",
]

__getattr__ = lazy_attributes(__name__, old_modules(__name__), OLD_NAMES["initializers"])

get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize

IdentityInitializer = identity = Identity
OrthogonalInitializer = orthogonal = Orthogonal
zeros, ones, constant = Zeros, Ones, Constant
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling = VarianceScaling
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
STFTInitializer = stft = STFT
