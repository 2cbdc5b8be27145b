"""Packages over Keras, unmodified: each runs in a process of its own, on fastrnn.

The tests run where the packages are installed: ``pip install skforecast aeon``.
"""

import importlib.util
import subprocess
import sys

import pytest

FORECASTER = """
import numpy as np
import pandas as pd
from skforecast.deep_learning import ForecasterRnn, create_and_compile_model
import keras

index = pd.date_range("2000-01-01", periods=120, freq="D")
t = np.arange(120)
series = pd.DataFrame({"a": np.sin(t / 5), "b": np.cos(t / 5)}, index=index)
model = create_and_compile_model(
    series=series, lags=8, steps=3, levels=["a"], recurrent_layer="LSTM", recurrent_units=8,
    dense_units=8, model_name="forecaster",
)
assert type(model).__module__.startswith("fastrnn"), type(model)
forecaster = ForecasterRnn(
    estimator=model, levels=["a"], lags=8,
    fit_kwargs={"epochs": 12, "batch_size": 16, "verbose": 0,
                "callbacks": [keras.callbacks.EarlyStopping("loss", patience=20)]},
)
forecaster.fit(series)
predicted = forecaster.predict(steps=3)
assert predicted["pred"].shape == (3,) and np.isfinite(predicted["pred"]).all()
assert np.abs(predicted["pred"] - np.sin(np.arange(120, 123) / 5)).max() < 1
print("done")
"""

REGRESSOR = """
import numpy as np
from aeon.regression.deep_learning import RecurrentRegressor

X = np.random.default_rng(0).normal(size=(24, 1, 12)).astype("float32")
y = X[:, 0].sum(-1)
for rnn in ("simple", "lstm", "gru"):
    regressor = RecurrentRegressor(
        n_epochs=3, batch_size=8, rnn_type=rnn, n_units=4, random_state=3, verbose=False
    )
    regressor.fit(X, y)
    assert type(regressor.model_).__module__.startswith("fastrnn"), type(regressor.model_)
    first = regressor.predict(X)
    assert first.shape == (24,) and np.isfinite(first).all()
print("done")
"""


@pytest.mark.parametrize("package, script", [("skforecast", FORECASTER), ("aeon", REGRESSOR)])
def test_a_package_runs_unmodified(package, script, tmp_path):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    (tmp_path / "script.py").write_text(script)
    command = [sys.executable, "-m", "fastrnn", "run", "script.py"]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("done\n")
