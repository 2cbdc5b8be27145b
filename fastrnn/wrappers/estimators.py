"""SKLearnClassifier, SKLearnRegressor and SKLearnTransformer: estimators of a model."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from fastrnn.callbacks import History
from fastrnn.core import errors
from fastrnn.models import Model, clone_model
from fastrnn.typing import Array, ArrayLike
from fastrnn.wrappers.bases import base_class

_Base: Any = base_class("BaseEstimator")
_Classifier: Any = base_class("ClassifierMixin")
_Regressor: Any = base_class("RegressorMixin")
_Transformer: Any = base_class("TransformerMixin")


class ModelEstimator(_Base):
    """What the estimators share.

    Args:
        model: a compiled model, of which each ``fit`` trains a copy; or a function with arguments
            ``X`` and ``y``, and those of ``model_kwargs``, that returns one.
        warm_start: whether a further ``fit`` goes on with the model of the last one.
        model_kwargs: further arguments of the function.
        fit_kwargs: arguments of ``model.fit``, such as ``epochs``.

    Attributes:
        model_: the trained model.
        history_: the ``History`` of its training.
    """

    model_: Model
    history_: History

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_clone__(self) -> Self:
        """Return an estimator of the same options that has not been trained."""
        options = self.get_params(deep=False)
        if isinstance(self.model, Model):
            options["model"] = copy.deepcopy(self.model)
        return type(self)(**options)

    def __sklearn_tags__(self) -> Any:
        """Say that two trainings differ."""
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, **kwargs: Any) -> Self:
        """Train a model.

        Args:
            X: samples, (samples, features) or sequences, (samples, timesteps, features).
            y: targets, one for each sample.
            **kwargs: arguments of ``model.fit``, over those of ``fit_kwargs``.

        Raises:
            ValueError: the arrays do not fit, or the model is not compiled.
        """
        data, labels = _validated(self, X, y)
        model = self._model_for(data, self._labels(labels, None))
        if not model.compiled or not model.objectives.has_loss:
            expected = "a compiled model with a loss"
            raise ValueError(errors.bad_argument("model", model.name, expected))
        targets = self._labels(labels, model)
        self.history_ = model.fit(data, targets, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def _model_for(self, X: Array, y: Array) -> Model:
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if not isinstance(self.model, Model):
            return self.model(X=X, y=y, **(self.model_kwargs or {}))
        model = clone_model(self.model)
        compiled = self.model.get_compile_config()
        if compiled is not None:
            model.compile_from_config(compiled)
        return model

    def _labels(self, y: Array, model: Model | None) -> Array:
        """Return the targets as a model takes them; before it is known, as it may like them."""
        self._flat = y.ndim == 1
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _outputs(self, X: ArrayLike) -> Array:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "model_")
        return self.model_.predict(_validated(self, X), verbose=0)


def _validated(estimator: ModelEstimator, X: ArrayLike, *y: ArrayLike) -> Any:
    """Return samples, and targets where they are given, as scikit-learn checks them."""
    from sklearn.utils.validation import validate_data

    if not y:
        return validate_data(estimator, X, reset=False, allow_nd=True)
    return validate_data(estimator, X, y[0], multi_output=True, allow_nd=True)


class SKLearnClassifier(_Classifier, ModelEstimator):
    """A classifier of a model.

    The labels are classes of any kind; the model is trained on one-hot vectors of them. Where it
    has a single output it gets 0 and 1, and where its loss is a sparse one, numbers of classes.

    Args: see ``ModelEstimator``.

    Attributes:
        classes_: the classes, in the order of the outputs.

    Raises:
        ValueError: the labels are no classes, or of one class alone.
    """

    classes_: Array

    def predict(self, X: ArrayLike) -> Array:
        """Return the class of each sample."""
        outputs = self._outputs(X)
        sole = outputs.shape[-1] == 1
        chosen = (outputs[:, 0] > 0.5).astype(int) if sole else outputs.argmax(axis=-1)
        classes = self.classes_[chosen]
        return classes if self._flat else classes.reshape(-1, 1)

    def decision_function(self, X: ArrayLike) -> Array:
        """Return the outputs of the model."""
        return self._outputs(X)

    def _labels(self, y: Array, model: Model | None) -> Array:
        from sklearn.utils.multiclass import type_of_target

        kind = type_of_target(y, raise_unknown=True)
        if kind not in ("binary", "multiclass"):
            raise ValueError(errors.bad_argument("y", kind, "classes: binary or multiclass labels"))
        self._flat = y.ndim == 1
        self.classes_, numbers = np.unique(y, return_inverse=True)
        numbers = numbers.reshape(-1, 1)
        if len(self.classes_) == 1:
            raise ValueError(errors.bad_argument("y", "one class", "at least two classes"))
        if model is not None and _wants_numbers(model):
            return numbers
        return (numbers == np.arange(len(self.classes_))).astype(float)


def _wants_numbers(model: Model) -> bool:
    loss = getattr(model.loss, "name", getattr(model.loss, "__name__", model.loss))
    shape = getattr(model, "output_shape", (None,)) if model.built else (None,)
    return shape[-1] == 1 or "sparse" in str(loss)


class SKLearnRegressor(_Regressor, ModelEstimator):
    """A regressor of a model.

    Args: see ``ModelEstimator``.
    """

    def predict(self, X: ArrayLike) -> Array:
        """Return the value of each sample, (samples,) if the targets were."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat and outputs.shape[-1] == 1 else outputs


class SKLearnTransformer(_Transformer, ModelEstimator):
    """A transformer of a model: samples become its outputs.

    Args: see ``ModelEstimator``.
    """

    def __sklearn_tags__(self) -> Any:
        """Say that outputs have a type of their own."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def transform(self, X: ArrayLike) -> Array:
        """Return the outputs of the model."""
        return self._outputs(X)
