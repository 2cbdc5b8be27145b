"""Old names: what Keras 1 and 2 called classes and functions of a module, beside those of today.

They are found as attributes of the module, and as names of objects: ``loss="cosine_proximity"``.
"""

OLD_NAMES: dict[str, dict[str, str]] = {
    "constraints": {
        "maxnorm": "MaxNorm",
        "nonneg": "NonNeg",
        "unitnorm": "UnitNorm",
    },
    "initializers": {
        "normal": "RandomNormal",
        "one": "Ones",
        "ones_initializer": "Ones",
        "uniform": "RandomUniform",
        "zero": "Zeros",
        "zeros_initializer": "Zeros",
    },
    "losses": {
        "cosine": "cosine_similarity",
        "cosine_proximity": "cosine_similarity",
        "huber_loss": "huber",
        "kullback_leibler_divergence": "kl_divergence",
        "logcosh": "log_cosh",
    },
    "metrics": {
        "cosine_proximity": "CosineSimilarity",
        "kld": "KLDivergence",
        "kullback_leibler_divergence": "KLDivergence",
        "logcosh": "LogCoshError",
    },
    "regularizers": {
        "activity_l1": "L1",
        "activity_l1l2": "L1L2",
        "activity_l2": "L2",
        "l1l2": "L1L2",
    },
}
