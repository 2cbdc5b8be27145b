"""``fastrnn demo``: forecasts the sunspot numbers with a stacked LSTM."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

WINDOW = 24  # years that the model sees: about two sunspot cycles
TEST_YEARS = 70


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to ``commands``."""
    text = "Train a stacked LSTM to forecast the sunspot numbers since 1700, and plot the result."
    parser = commands.add_parser("demo", help=text, description=text)
    parser.add_argument("--epochs", type=_positive, default=60, help="passes over the data")
    parser.add_argument("--units", type=_positive, default=32, help="units of each LSTM layer")
    parser.add_argument("--seed", type=_seed, default=0, help="seed of the weights and the order")
    parser.add_argument(
        "--plot", type=Path, default=Path("fastrnn-demo.png"), help="file of the plot"
    )
    parser.add_argument("--no-plot", action="store_true", help="make no plot")
    parser.set_defaults(run=run)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"expected an integer from 0 to 2**32 - 1, got {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Train, compare with the naive forecast, plot; return 1 if the model is no better."""
    import fastrnn
    from fastrnn import Input, Sequential
    from fastrnn.layers import LSTM, Dense

    fastrnn.utils.set_random_seed(arguments.seed)
    years, numbers = fastrnn.datasets.sunspots.load_data()
    split = len(numbers) - TEST_YEARS
    # The scale comes from the years before the split alone. The root makes high years less extreme.
    scale = float(np.sqrt(numbers[:split]).std())
    level = np.sqrt(numbers) / scale
    windows = np.lib.stride_tricks.sliding_window_view(level, WINDOW + 1)
    x, y = windows[:, :WINDOW, None], windows[:, WINDOW:]
    train = split - WINDOW

    model = Sequential(
        [
            Input((WINDOW, 1)),
            LSTM(arguments.units, return_sequences=True),
            LSTM(arguments.units),
            Dense(1),
        ]
    )
    model.compile(optimizer=fastrnn.optimizers.Adam(0.003, clipnorm=1.0), loss="mse")
    model.summary()
    print(f"Training on {years[WINDOW]}-{years[split - 1]}, testing on {years[split]}-{years[-1]}.")
    start = time.perf_counter()
    model.fit(x[:train], y[:train], epochs=arguments.epochs, batch_size=16, verbose=1)
    seconds = (time.perf_counter() - start) / arguments.epochs

    def to_numbers(values: Array) -> Array:
        return np.square(np.maximum(values, 0) * scale)

    truth = numbers[split:]
    forecast = to_numbers(model.predict(x[train:], verbose=0)[:, 0])
    error, naive = _rmse(forecast, truth), _rmse(numbers[split - 1 : -1], truth)
    print(f"time per epoch:                  {seconds * 1e3:.1f} ms")
    print(f"test error of the LSTM:          {error:.1f} (root mean square, sunspot numbers)")
    print(f"test error of the naive forecast {naive:.1f} (next year is like this year)")
    if not arguments.no_plot:
        _plot(arguments.plot, years[split:], truth, forecast)
    if error >= naive:
        print("The model is no better than the naive forecast: train it for more epochs.")
        return 1
    return 0


def _rmse(forecast: Array, truth: Array) -> float:
    return float(np.sqrt(np.square(forecast - truth).mean()))


def _plot(path: Path, years: Array, truth: Array, forecast: Array) -> None:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        print("No plot: matplotlib is not installed (pip install 'fastrnn[plot]').")
        return
    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(years, truth, label="truth", color="black", linewidth=1.2)
    axes.plot(years, forecast, label="forecast, one year ahead", color="tab:orange")
    axes.set(xlabel="year", ylabel="sunspot number", title="Sunspots: stacked LSTM, test years")
    axes.legend()
    figure.savefig(path, dpi=120)
    print(f"plot: {path}")
