"""Saving: whole models to files and back."""

from __future__ import annotations

import random

from fastrnn.core import errors
from fastrnn.core.custom_objects import CustomObjectScope
from fastrnn.formats.atomic import PathLike
from fastrnn.formats.building import build_described, refusals
from fastrnn.formats.model_files import StoredModel, open_model, write_model
from fastrnn.models.model import Model
from fastrnn.typing import CustomObjects


def save_model(
    model: Model,
    filepath: PathLike,
    overwrite: bool = True,
    zipped: bool | None = None,
    *,
    include_optimizer: bool = True,
    save_format: str | None = None,
) -> None:
    """Write a model, its weights, and its optimizer with its state.

    The file is there as a whole or not at all: a crash in between leaves the old one.

    Args:
        model: a model.
        filepath: a path that ends in ``.keras``, which Keras reads, in ``.fastrnn``, or in ``.h5``
            or ``.hdf5``, the layout of Keras 2. Another name is that of a folder, with a warning.
            All but ``.fastrnn`` need the extra ``h5``.
        overwrite: whether a file of this name may be replaced.
        zipped: ``False`` writes the files of a ``.keras`` to a folder.
        include_optimizer: whether what the model was compiled with is written, with its state.
        save_format: of Keras 2: ``"h5"``, ``"keras"`` or ``"tf"``, with a warning.

    Raises:
        ValueError: an ending of something else, a file that may not be replaced, or a model with
            something that cannot be described, such as a function without a name.
        ImportError: h5py is not installed, for formats that need it.

    >>> import os, tempfile
    >>> from fastrnn import Input, Sequential, layers, models
    >>> path = os.path.join(tempfile.mkdtemp(), "model.fastrnn")
    >>> models.save_model(Sequential([Input((5, 3)), layers.GRU(4)]), path)
    >>> models.load_model(path).output_shape
    (None, 4)
    """
    if not isinstance(model, Model):
        raise ValueError(errors.bad_argument("model", model, "a model"))
    write_model(
        model,
        filepath,
        overwrite,
        zipped,
        include_optimizer=include_optimizer,
        save_format=save_format,
    )


def load_model(
    filepath: PathLike,
    custom_objects: CustomObjects = None,
    compile: bool = True,
    safe_mode: bool = True,
    *,
    strict_finite: bool = False,
) -> Model:
    """Read a model that ``save_model`` or Keras wrote.

    Nothing in the file is executed or imported, and no path in it is followed: classes come from
    the closed list of built-in ones, and from ``custom_objects`` and
    ``saving.register_keras_serializable``.

    Args:
        filepath: a path; what is there is told by its content: a ``.keras`` or a folder of its
            files, an ``.h5`` of any version of Keras (these need the extra ``h5``), a ``.fastrnn``.
        custom_objects: classes and functions of your own by their names.
        compile: whether the model gets the optimizer, with its state, the losses and the metrics
            of the file. What of them is not known is left out, with a warning.
        safe_mode: accepted: code in files is never run.
        strict_finite: whether weights that are NaN or infinite are refused, not just reported.

    Raises:
        ModelFileError: the file is refused; its ``reason`` says by which rule.
        ValueError: neither its name nor its content are those of a model.
        FileNotFoundError: there is no such file.
        ImportError: h5py is not installed, for files that need it.
    """
    state = random.getstate()  # layers draw seeds; loading a model leaves the order of draws alone
    try:
        with open_model(filepath, strict_finite) as stored, CustomObjectScope(custom_objects):
            return _model_of(stored, compile)
    finally:
        random.setstate(state)


def _model_of(stored: StoredModel, compile: bool) -> Model:
    """Return the model of a file, with its weights and with what training needs to go on."""
    model = build_described(stored.config, stored.weights.scalars, stored.where, Model)
    with refusals(stored.where):
        stored.weights.load_weights(model)
        config = stored.config
        if compile and isinstance(config, dict) and isinstance(config.get("compile_config"), dict):
            model.compile_from_config(config["compile_config"])
            if model.compiled:
                stored.weights.load_optimizer(model)
    stored.load_generators(model)
    return model
