"""The sunspot numbers: a small real series that comes with the package."""

from __future__ import annotations

import importlib.resources
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def load_data() -> tuple[Array, Array]:
    """Return years and yearly mean sunspot numbers, 1700 to 2008, both (309,).

    Source: National Geophysical Data Center (NOAA), by way of statsmodels; public domain.

    >>> years, numbers = load_data()
    >>> int(years[0]), len(numbers)
    (1700, 309)
    """
    text = importlib.resources.files("fastrnn.datasets").joinpath("sunspots.csv").read_text()
    rows = [line for line in text.splitlines() if not line.startswith("#")]
    table = np.loadtxt(rows, delimiter=",", skiprows=1)
    return table[:, 0].astype(np.int64), table[:, 1]
