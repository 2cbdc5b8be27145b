"""Models as estimators of scikit-learn: in pipelines, cross-validation and searches.

Needs the extra ``sklearn``.
"""

from fastrnn.core.lazy import lazy_attributes

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]

# Loaded when they are first asked for: scikit-learn takes a second to load.
__getattr__ = lazy_attributes(
    __name__,
    {
        "scikit_learn": f"{__name__}.scikit_learn",
        **{name: f"{__name__}.estimators:{name}" for name in __all__},
    },
)
