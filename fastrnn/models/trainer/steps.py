"""Steps: what a model does with one batch, after the checks that come before anything changes."""

from __future__ import annotations

import functools
from typing import Any

from fastrnn.core import errors
from fastrnn.core.checks import to_choice
from fastrnn.layers.base.layer import CallContext
from fastrnn.models.quantization import require_trainable
from fastrnn.models.trainer.compiled import Compiled
from fastrnn.models.trainer.data import (
    ArrayBatches,
    Batch,
    Batches,
    IterableBatches,
    arrays_in,
    class_weights_to_sample_weights,
    count_samples,
    each,
    make_batches,
    to_labels,
)
from fastrnn.utils.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight

# Methods of Keras's models that are never called here: they work on tensors that a tape follows.
_NEVER_CALLED = (
    "compute_loss", "compute_metrics", "predict_step",
    "make_train_function", "make_test_function", "make_predict_function",
)  # fmt: skip

# Stands for "all samples in one batch".
_WHOLE: Any = object()


class Steps(Compiled):
    """The methods of a model that train, evaluate and predict one batch."""

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch, in inference mode."""
        return self(x)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Train on one batch; return its loss before the update and metrics, as ``evaluate``."""
        standard = self._is_standard("train_step")
        to_choice("return_dict", return_dict, (False, True))
        data = self._training_batches(x, y, _WHOLE, False, class_weight, sample_weight)
        self._check_data(data, labelled=standard)
        self.reset_metrics()
        return as_result(self._run_step("train_step", *next(iter(data))), return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return loss and metrics of one batch, in inference mode."""
        standard = self._is_standard("test_step")
        to_choice("return_dict", return_dict, (False, True))
        data = self._make_batches(x, y, sample_weight, _WHOLE, False)
        self._check_data(data, labelled=standard)
        self.reset_metrics()
        return as_result(self._run_step("test_step", *next(iter(data))), return_dict)

    # ---- steps that a subclass may replace ----

    def _is_standard(self, step: str) -> bool:
        """Whether a step is that of all models, which needs a loss and labels.

        Raises:
            ValueError: the model is not compiled, or not as the step needs it.
            NotImplementedError: the model has a method of Keras's that would never be called.
        """
        if getattr(type(self), step) is not getattr(Steps, step):
            self._require_compiled()
            return False
        for name in _NEVER_CALLED:
            if hasattr(self, name):
                raise NotImplementedError(
                    f"`{name}` of model {self.name!r} would never be called: there is no tape that "
                    f"differentiates it. Write `{step}(self, data)`, with `self.vjp` and the "
                    "`value_and_gradient` of a loss, and rename it."
                )
        self._require_loss()
        return True

    def _run_step(self, step: str, x: Any, y: Any, sample_weight: Any) -> dict[str, Any]:
        logs = getattr(self, step)(pack_x_y_sample_weight(x, y, sample_weight))
        if not isinstance(logs, dict):
            expected = "a dict of numbers by their names"
            raise TypeError(errors.bad_argument(step, logs, expected))
        return logs

    def train_step(self, data: Any) -> dict[str, Any]:
        """Train on one batch; ``fit`` and ``train_on_batch`` call it.

        A subclass may do it its own way: compute with ``self.vjp``, differentiate the loss by its
        ``value_and_gradient``, and give the gradients to ``self.optimizer.apply``. It may do
        without a loss in ``compile``.

        Args:
            data: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``: see
                ``utils.unpack_x_y_sample_weight``.

        Returns:
            The logs: numbers by their names. Of a subclass's own step, those of the last batch are
            the logs of the epoch.

        >>> import numpy as np
        >>> import fastrnn
        >>> class Trained(fastrnn.Sequential):
        ...     def train_step(self, data):
        ...         x, y = data
        ...         outputs, pullback = self.vjp(x, training=True)
        ...         loss, gradient = fastrnn.losses.Huber().value_and_gradient(y, outputs)
        ...         _, gradients = pullback(gradient)
        ...         self.optimizer.apply(gradients, self.trainable_weights)
        ...         return {"loss": loss}
        >>> model = Trained([fastrnn.Input((5, 3)), fastrnn.layers.GRU(2)])
        >>> model.compile("adam")
        >>> history = model.fit(np.zeros((4, 5, 3)), np.zeros((4, 2)), verbose=0)
        >>> history.history
        {'loss': [0.0]}
        """
        return self._train_step(*self._checked("train_step", data))

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluate one batch; ``evaluate``, ``test_on_batch`` and validations call it.

        Args and results are those of ``train_step``.
        """
        return self._test_step(*self._checked("test_step", data))

    def _checked(self, step: str, data: Any) -> Batch:
        """Return the parts of a batch, checked if it comes from a step of a subclass."""
        batch = unpack_x_y_sample_weight(data)
        if getattr(type(self), step) is getattr(Steps, step):
            return batch
        self._require_loss()
        return self._check_batch(*batch)

    def _train_step(self, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
        assert self.optimizer is not None
        penalties: list[float] = []
        context = CallContext(
            training=True, gradient=True, input_gradient=False, penalties=penalties
        )
        outputs, pullback, mask = self.run(x, context)
        loss, gradient = self._losses(y, outputs, sample_weight, mask, gradient=True)
        assert pullback is not None
        _, gradients = pullback(gradient)
        variables = self.trainable_weights
        for k, variable in enumerate(variables):
            if variable.regularizer is not None:
                gradients[k] = gradients[k] + variable.regularizer.gradient(variable.value)
        total = loss + sum(penalties) + sum(self.losses)
        scale = self.optimizer.scale_loss(1.0)
        if scale != 1:  # else the usual case, without copies
            gradients = [gradient * scale for gradient in gradients]
        self.optimizer.apply(gradients, variables)
        return self._track(total, y, outputs, sample_weight, mask)

    def _test_step(self, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
        penalties: list[float] = []
        outputs, _, mask = self.run(x, CallContext(penalties=penalties))
        loss, _ = self._losses(y, outputs, sample_weight, mask, gradient=False)
        total = loss + sum(penalties) + sum(self.losses)
        return self._track(total, y, outputs, sample_weight, mask)

    # ---- checks before anything changes ----

    def _make_batches(
        self, x: Any, y: Any, sample_weight: Any, batch_size: int | None, shuffle: bool
    ) -> Batches:
        size = batch_size
        if batch_size is _WHOLE:
            x = self.convert_inputs(x)
            size = max(count_samples(x), 1) if all(a.ndim for a in arrays_in(x)) else 1
        return make_batches(x, y, sample_weight, size, shuffle, self.convert_inputs)

    def _training_batches(
        self, x: Any, y: Any, batch_size: Any, shuffle: bool, class_weight: Any, sample_weight: Any
    ) -> Batches:
        require_trainable(self)
        if class_weight is not None:
            if sample_weight is not None:
                expected = "None beside `class_weight`"
                received = type(sample_weight).__name__
                raise ValueError(errors.bad_argument("sample_weight", received, expected))
            if y is not None:
                sample_weight = class_weights_to_sample_weights(y, class_weight)
        batches = self._make_batches(x, y, sample_weight, batch_size, bool(shuffle))
        if class_weight is not None and y is None:
            if isinstance(batches, ArrayBatches):
                raise ValueError(errors.bad_argument("y", None, "labels, with `class_weight`"))
            batches.weigh = functools.partial(_weigh_classes, class_weight)
        return batches

    def _validation_batches(self, data: Any, batch_size: int | None) -> Batches | None:
        if data is None:
            return None
        if isinstance(data, (tuple, list)):
            return self._make_batches(*unpack_x_y_sample_weight(data), batch_size, False)
        return self._make_batches(data, None, None, batch_size, False)

    def _check_data(self, batches: Batches | None, labelled: bool = True) -> None:
        """Build the model, and raise ``ValueError`` if the data do not fit it.

        Data that come in batches are checked batch by batch, the first one now.
        """
        if isinstance(batches, IterableBatches):
            batches.check = self._check_batch if labelled else None
            x, y, sample_weight = batches.peek()
            if labelled:
                self._check_batch(x, y, sample_weight)
            else:
                self._check_inputs(self.convert_inputs(x))
        elif batches is not None:
            size = batches.batch_size
            self._check_inputs(batches.part(slice(0, size))[0])
            # A model of a fixed batch size cannot take a last batch that is shorter.
            last = (batches.samples - 1) // size * size
            if last:
                self._check_inputs(batches.part(slice(last, None))[0])
            if labelled:
                self._check_labels(batches.x, batches.y, batches.sample_weight)

    def _first_batch(self, batches: Batches) -> Batch:
        """Return the first batch as arrays."""
        if isinstance(batches, IterableBatches):
            return self._check_batch(*batches.peek())
        return batches.part(slice(0, batches.batch_size))

    def _check_inputs(self, x: Any) -> None:
        if not self.built:
            self.build(each(lambda array: array.shape, x))
        self.check_inputs(x)

    def _check_batch(self, x: Any, y: Any, sample_weight: Any) -> Batch:
        """Return a batch as arrays, or raise ``ValueError`` if it does not fit the model."""
        x = self.convert_inputs(x)
        self._check_inputs(x)
        samples = count_samples(x)
        y = to_labels("y", y, samples, "x")
        sample_weight = to_labels("sample_weight", sample_weight, samples, "x")
        self._check_labels(x, y, sample_weight)
        return x, y, sample_weight


def _weigh_classes(class_weight: Any, x: Any, y: Any, sample_weight: Any) -> Batch:
    """Return a batch with weights of its samples by their labels."""
    if sample_weight is not None:
        expected = "None in batches, beside `class_weight`"
        raise ValueError(errors.bad_argument("sample_weight", "an array", expected))
    if y is None:
        raise ValueError(errors.bad_argument("y", None, "labels, with `class_weight`"))
    return x, y, class_weights_to_sample_weights(y, class_weight)


def as_result(logs: dict[str, float], return_dict: bool) -> Any:
    """Return logs as ``evaluate`` does: a dict, a list, or the loss alone."""
    if return_dict:
        return dict(sorted(logs.items()))
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
