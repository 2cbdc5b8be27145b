"""KerasClassifier and KerasRegressor: the estimators of Keras 1 and 2."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from fastrnn.callbacks import History
from fastrnn.core import errors
from fastrnn.core.old_keywords import RENAMED
from fastrnn.core.user_warnings import deprecated
from fastrnn.models import Model
from fastrnn.typing import Array, ArrayLike
from fastrnn.utils import to_categorical
from fastrnn.wrappers.bases import base_class

_Base: Any = base_class("BaseEstimator")
_Classifier: Any = base_class("ClassifierMixin")
_Regressor: Any = base_class("RegressorMixin")
_METHODS = (Model.fit, Model.predict, Model.evaluate)


class BaseWrapper(_Base):
    """What both share.

    Args:
        build_fn: returns a compiled model: a function, or an object that can be called. ``None``:
            the class has a ``__call__`` of its own for it.
        **sk_params: arguments of ``build_fn``, and of ``fit``, ``predict`` and ``evaluate`` of a
            model.

    Attributes:
        model: the trained model.

    Raises:
        ValueError: an argument is one of none of these.
    """

    model: Model
    # Whether the warning was given: searches make many copies.
    _told = False

    def __init__(self, build_fn: Callable[..., Model] | None = None, **sk_params: Any) -> None:
        if not BaseWrapper._told:
            BaseWrapper._told = True
            deprecated(f"{type(self).__name__}(build_fn)", "wrappers.SKLearnClassifier(model)")
        self.build_fn = build_fn
        self.sk_params = sk_params
        self._check_params(sk_params)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all arguments of the constructor."""
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> Self:
        """Change arguments of the constructor.

        Raises:
            ValueError: one is unknown.
        """
        options = dict(params)
        build_fn = options.pop("build_fn", self.build_fn)
        self.build_fn, before = build_fn, self.build_fn
        try:
            self._check_params(options)
        except ValueError:
            self.build_fn = before
            raise
        self.sk_params.update(options)
        return self

    def fit(self, x: ArrayLike, y: ArrayLike, **kwargs: Any) -> History:
        """Train a new model.

        Args:
            x: samples.
            y: their targets.
            **kwargs: arguments of ``model.fit``, over those of the constructor.

        Returns:
            The ``History``, as in Keras; what it was called on is trained.
        """
        build = self._builder()
        self.model = build(**self._options(build, {}))
        return self.model.fit(x, self._labels(np.asarray(y)), **self._options(Model.fit, kwargs))

    def _labels(self, y: Array) -> Array:
        return y

    def _builder(self) -> Callable[..., Model]:
        if self.build_fn is not None:
            return self.build_fn
        if not callable(self):
            raise ValueError(errors.bad_argument("build_fn", None, "a function that makes a model"))
        return self

    def _check_params(self, params: dict[str, Any]) -> None:
        if self.build_fn is None and not callable(self):
            return
        functions = (self._builder(), *_METHODS)
        for name in params:
            if not any(_accepts(function, name) for function in functions):
                expected = "an argument of `build_fn`, or of a model's fit, predict or evaluate"
                raise ValueError(errors.bad_argument("sk_params", name, expected))

    def _options(self, function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
        """Return those arguments of the constructor that a function has, and the given ones."""
        own = {name: value for name, value in self.sk_params.items() if _accepts(function, name)}
        return {**own, **given}

    def _predict(self, x: ArrayLike, kwargs: dict[str, Any]) -> Array:
        return self.model.predict(x, **self._options(Model.predict, {"verbose": 0, **kwargs}))

    def _evaluate(self, x: ArrayLike, y: Array, kwargs: dict[str, Any]) -> dict[str, float]:
        options = self._options(Model.evaluate, {"verbose": 0, **kwargs, "return_dict": True})
        logs: Any = self.model.evaluate(x, y, **options)
        return {name: float(value) for name, value in logs.items()}


def _accepts(function: Callable[..., Any], name: str) -> bool:
    parameters = inspect.signature(function).parameters
    any_name = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return name in parameters or RENAMED.get(name) in parameters or any_name


class KerasClassifier(_Classifier, BaseWrapper):
    """A classifier of what ``build_fn`` makes.

    Args: see ``BaseWrapper``.

    Attributes:
        classes_: the classes, in the order of the outputs.
        n_classes_: their number.
    """

    classes_: Array
    n_classes_: int

    def fit(self, x: ArrayLike, y: ArrayLike, **kwargs: Any) -> History:
        """Train a new model; labels are classes of any kind, or one-hot vectors.

        Raises:
            ValueError: the labels are neither.
        """
        labels = np.asarray(y)
        if labels.ndim == 2 and labels.shape[1] > 1:
            self.classes_ = np.arange(labels.shape[1])
        elif labels.ndim in (1, 2):
            self.classes_ = np.unique(labels)
            labels = np.searchsorted(self.classes_, labels)
        else:
            expected = "(samples,) or (samples, classes)"
            raise ValueError(errors.bad_shape("y", labels.shape, expected))
        self.n_classes_ = len(self.classes_)
        return super().fit(x, labels, **kwargs)

    def _labels(self, y: Array) -> Array:
        """Return one-hot vectors where the loss wants them."""
        loss = getattr(self.model.loss, "name", getattr(self.model.loss, "__name__", None))
        wanted = (loss or self.model.loss) == "categorical_crossentropy"
        return to_categorical(y, self.n_classes_) if wanted and y.ndim == 1 else y

    def predict(self, x: ArrayLike, **kwargs: Any) -> Array:
        """Return the class of each sample.

        Args:
            x: samples.
            **kwargs: arguments of ``model.predict``.
        """
        outputs = self._predict(x, kwargs)
        sole = outputs.shape[-1] == 1
        return self.classes_[(outputs > 0.5).astype(int) if sole else outputs.argmax(axis=-1)]

    def predict_proba(self, x: ArrayLike, **kwargs: Any) -> Array:
        """Return the probability of each class, (samples, classes).

        Args:
            x: samples.
            **kwargs: arguments of ``model.predict``.
        """
        outputs = self._predict(x, kwargs)
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def score(self, x: ArrayLike, y: ArrayLike, **kwargs: Any) -> float:
        """Return the accuracy.

        Args:
            x: samples.
            y: their labels.
            **kwargs: arguments of ``model.evaluate``.

        Raises:
            ValueError: the model was compiled without ``metrics=["accuracy"]``.
        """
        labels = np.asarray(y)
        if labels.ndim == 1 or labels.shape[1] == 1:
            labels = np.searchsorted(self.classes_, labels)
        logs = self._evaluate(x, self._labels(labels), kwargs)
        for name in ("accuracy", "acc"):
            if name in logs:
                return logs[name]
        expected = "accuracy among them"
        raise ValueError(errors.bad_argument("metrics", sorted(logs), expected))


class KerasRegressor(_Regressor, BaseWrapper):
    """A regressor of what ``build_fn`` makes.

    Args: see ``BaseWrapper``.
    """

    def predict(self, x: ArrayLike, **kwargs: Any) -> Array:
        """Return the value of each sample, without axes of length 1.

        Args:
            x: samples.
            **kwargs: arguments of ``model.predict``.
        """
        return np.squeeze(self._predict(x, kwargs))

    def score(self, x: ArrayLike, y: ArrayLike, **kwargs: Any) -> float:
        """Return minus the loss: more is better.

        Args:
            x: samples.
            y: their values.
            **kwargs: arguments of ``model.evaluate``.
        """
        return -self._evaluate(x, np.asarray(y), kwargs)["loss"]
