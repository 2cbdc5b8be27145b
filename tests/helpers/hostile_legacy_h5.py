"""Hostile files in the form of Keras 1 and 2: descriptions in attributes of HDF5."""

import json

import h5py
import numpy as np
from hostile_hdf5 import hdf5

SHAPES = [(3, 4), (4,)]
DENSE = {"class_name": "Dense", "config": {"name": "d", "units": 4, "batch_input_shape": [None, 3]}}
CODE = ["4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAA==", None, None]
LAMBDA = {
    "class_name": "Lambda",
    "config": {"name": "l", "function": CODE, "function_type": "lambda", "module": "__main__"},
}


def model(*layers, **options):
    first = {**DENSE, "config": {**DENSE["config"], **options}}
    return {"class_name": "Sequential", "config": {"name": "s", "layers": [first, *layers]}}


def older(
    config=None, names=("d/w0", "d/w1"), layers=("d",), values=0.0, change=None, **attributes
):
    """A file of one Dense layer, with other parts where given."""

    def fill(root):
        text = json.dumps(model() if config is None else config)
        root.attrs.update({"keras_version": "2.2.4", "model_config": text, **attributes})
        group = root.create_group("model_weights")
        group.attrs["layer_names"] = np.array(layers, "S")
        own = group.create_group("d")
        own.attrs["weight_names"] = np.array(names, "S")
        for k, shape in enumerate(SHAPES):
            own[f"d/w{k}"] = np.full(shape, values, "f4")
        if change is not None:
            change(root)

    return hdf5(fill)


def unlink(root):
    del root["model_weights"]
    root["model_weights"] = h5py.SoftLink("/elsewhere")


def reshape(root):
    del root["model_weights/d/d/w0"]
    root["model_weights/d/d/w0"] = np.zeros((4, 3), "f4")


def no_config(root):
    del root.attrs["model_config"]


KERAS_1 = {"class_name": "Sequential", "config": [DENSE, LAMBDA]}
FUNCTIONAL = {"class_name": "Model", "config": {"name": "m", "layers": [{**LAMBDA, "name": "l"}]}}
EVIL = {"class_name": "os.system", "config": {"name": "id"}}
OUTSIDE = {"class_name": "system", "module": "os", "config": {"name": "id"}}

OLDER = {
    "2 Lambda": ("forbidden_class", lambda: older(model(LAMBDA))),
    "2 Lambda of Keras 1": ("forbidden_class", lambda: older(KERAS_1)),
    "2 Lambda in a wrapper": (
        "forbidden_class",
        lambda: older(model({"class_name": "TimeDistributed", "config": {"layer": LAMBDA}})),
    ),
    "2 Lambda in no graph": ("bad_config", lambda: older(FUNCTIONAL)),
    "3 dotted name": ("unknown_class", lambda: older(model(EVIL))),
    "3 other module": ("unknown_class", lambda: older(model(OUTSIDE))),
    "6 code as an initializer": (
        "forbidden_class",
        lambda: older(model(kernel_initializer={"class_name": "Lambda", "config": {"f": CODE}})),
    ),
    "8 path": ("bad_config", lambda: older(model(weights="/etc/passwd"))),
    "11 dunder": ("json_key", lambda: older(model(__class__=1))),
    "18 soft link": ("hdf5_link", lambda: older(change=unlink)),
    "21 shape": ("unexpected_shape", lambda: older(change=reshape)),
    "21 units": ("size_mismatch", lambda: older(model(units=2**20))),
    "21 layer that is not there": ("hdf5_missing", lambda: older(layers=("e",))),
    "21 array that is not there": ("hdf5_missing", lambda: older(names=("d/w0", "d/w9"))),
    "21 array of another layer": ("hdf5_missing", lambda: older(names=("d/w0", "../d/w1"))),
    "21 fewer arrays": ("unexpected_weights", lambda: older(names=("d/w0",))),
    "23 array that is named often": (
        "unexpected_weights",
        lambda: older(names=("d/w0",) * 4000),
    ),
    "23 many names": ("hdf5_attribute", lambda: older(change=many_names)),
    "23 names that are none": ("hdf5_attribute", lambda: older(change=numbers)),
    "27 no description": ("hdf5_missing", lambda: older(change=no_config)),
    "27 description of numbers": ("not_json", lambda: older(model_config=np.arange(3))),
    "27 NaN": ("json_number", lambda: older(model(units=float("nan")))),
    "27 depth": ("json_depth", lambda: older(model_config="[" * 99 + "]" * 99)),
    "27 training": ("json_number", lambda: older(training_config='{"loss": 1e999}')),
    "30 units 0": ("bad_config", lambda: older(model(units=0))),
    "30 option of Keras 1": ("bad_config", lambda: older(model(time_major=True))),
    "32 newline": ("bad_name", lambda: older(model(name="a\nb"))),
    "32 no layers": ("bad_config", lambda: older({"class_name": "Sequential", "config": 3})),
}


def many_names(root):
    root["model_weights/d"].attrs["weight_names"] = np.array(["a"] * 60_000, "S1")


def numbers(root):
    root["model_weights/d"].attrs["weight_names"] = np.arange(3)
