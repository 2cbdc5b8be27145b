"""Old arguments: the names that Keras 1 and 2 had for options of layers and optimizers.

Constructors have today's names alone. One that is given another name asks here what it is called
today.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from fastrnn.core import errors
from fastrnn.core.user_warnings import deprecated

# Today's names by class, also a base of it, and old name; under None those of any class. They hold
# where the class has today's name and has not the old one.
RENAMED: dict[str | None, dict[str, str]] = {
    None: {
        "init": "kernel_initializer", "inner_init": "recurrent_initializer",
        "inner_activation": "recurrent_activation", "bias": "use_bias",
        "W_regularizer": "kernel_regularizer", "U_regularizer": "recurrent_regularizer",
        "b_regularizer": "bias_regularizer", "W_constraint": "kernel_constraint",
        "U_constraint": "recurrent_constraint", "b_constraint": "bias_constraint",
        "beta_init": "beta_initializer", "gamma_init": "gamma_initializer",
        "p": "rate", "border_mode": "padding", "nb_filter": "filters",
        "filter_length": "kernel_size", "subsample_length": "strides",
        "atrous_rate": "dilation_rate", "pool_length": "pool_size", "stride": "strides",
        "output_dim": "units", "nb_units": "units", "lr": "learning_rate",
        "dropout_W": "dropout", "dropout_U": "recurrent_dropout",
    },
    "Embedding": {
        "init": "embeddings_initializer", "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint", "output_dim": "output_dim",
        "input_dim": "input_dim",
    },
    "PReLU": {"init": "alpha_initializer"},
    "GaussianNoise": {"sigma": "stddev"},
    "UpSampling1D": {"length": "size"},
    "Reshape": {"dims": "target_shape"},
}  # fmt: skip

# What changes nothing at these values, and is refused at others.
_WITHOUT_EFFECT: dict[str, tuple[object, ...]] = {
    "adjustment": (None,),
    "consume_less": ("cpu", "gpu", "mem"),
    "dynamic": (False,),
    "experimental_autocast": (True, False),
    "fused": (None, True, False),
    "is_legacy_optimizer": (True, False),
    "jit_compile": (None, True, False),
    "input_dtype": (None, "int32", "int64", "float32", "float64"),
    "mode": (0,),
    "schedule_decay": (0.004,),
    "time_major": (False,),
    "virtual_batch_size": (None,),
}
# But for these, which had an effect and have none today: unknown as any other.
_HAD_EFFECT = {("LossScaleOptimizer", "dynamic")}


def today(class_name: str | None, old: str) -> str | None:
    """Return today's name of an option of Keras 1 or 2, for a class; ``None`` where it has none.

    >>> today("Embedding", "init"), today("Dense", "init"), today("Dense", "units")
    ('embeddings_initializer', 'kernel_initializer', None)
    """
    return RENAMED.get(class_name, {}).get(old, RENAMED[None].get(old))


def renamed(cls: type, known: Collection[str], given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a constructor under today's names, with a warning for each old one.

    Args:
        cls: the class.
        known: the names that the constructor has.
        given: arguments by name.

    Raises:
        TypeError: an argument is given under both names.
        ValueError: an argument that has no effect any more had one with this value.
    """
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        new = name if name in known else _name_in(cls, known, name)
        if new is not None and new != name:
            if new in given:
                received = f"{name!r} and {new!r}"
                raise TypeError(f"{cls.__name__}() got {received}, which are one argument")
            deprecated(f"{cls.__name__}({name}=…)", f"{cls.__name__}({new}=…)")
        if new is not None:
            arguments[new] = value
        elif (convert := _conversion(cls, name)) is not None:
            arguments.update(convert(cls.__name__, value))
        elif name in _WITHOUT_EFFECT and (cls.__name__, name) not in _HAD_EFFECT:
            _check_without_effect(cls.__name__, name, value)
        else:
            arguments[name] = value
    return arguments


def _name_in(cls: type, known: Collection[str], old: str) -> str | None:
    """Return the name that the class has for an old one, ``None`` where it has none."""
    names = (RENAMED.get(base.__name__, {}).get(old) for base in cls.__mro__)
    new = next(filter(None, names), RENAMED[None].get(old))
    return new if new in known else None


def _check_without_effect(class_name: str, name: str, value: object) -> None:
    values = _WITHOUT_EFFECT[name]
    if value not in values:
        expected = " or ".join(map(repr, values)) + "; it is an option of an earlier Keras"
        raise ValueError(errors.bad_argument(name, value, expected, "Leave it out."))
    deprecated(f"{class_name}({name}=…)", f"{class_name}(…)")


def _forget_bias(class_name: str, value: object) -> dict[str, Any]:
    """Keras 1 had an initializer for the bias of the forget gate."""
    ones, zeros = ("one", "ones", "Ones", "One"), ("zero", "zeros", "Zeros", "Zero")
    if value not in ones + zeros:
        expected = "'one' or 'zero'"
        raise ValueError(errors.bad_argument("forget_bias_init", value, expected))
    deprecated(f"{class_name}(forget_bias_init=…)", f"{class_name}(unit_forget_bias=…)")
    return {"unit_forget_bias": value in ones}


def _dropped_words(class_name: str, value: object) -> dict[str, Any]:
    """Keras 1 dropped words; Keras 2 took the argument and did nothing."""
    deprecated(f"{class_name}(dropout=…)", f"{class_name}(…), SpatialDropout1D(…)")
    return {}


# Arguments of a class that are other ones today.
_CONVERSIONS: dict[tuple[str, str], Callable[[str, object], dict[str, Any]]] = {
    ("LSTM", "forget_bias_init"): _forget_bias,
    ("Embedding", "dropout"): _dropped_words,
}


def _conversion(cls: type, name: str) -> Callable[[str, object], dict[str, Any]] | None:
    rows = (_CONVERSIONS.get((base.__name__, name)) for base in cls.__mro__)
    return next(filter(None, rows), None)


# Values of arguments that have none today.
_DEFAULTS: dict[tuple[str, str], object] = {("AveragePooling1D", "pool_size"): 2}


def old_default(cls: type, name: str, otherwise: object) -> object:
    """Return the value that a missing argument had, with a warning; else ``otherwise``."""
    value = _DEFAULTS.get((cls.__name__, name))
    if value is None:
        return otherwise
    deprecated(f"{cls.__name__}()", f"{cls.__name__}({name}={value})")
    return value
