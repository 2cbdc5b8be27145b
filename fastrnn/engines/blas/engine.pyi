from collections.abc import Sequence
from typing import Any

from fastrnn.engines.contract import RecurrentCall, RecurrentGradients

def forward(call: RecurrentCall) -> tuple[Any, tuple[Any, ...], Any]: ...
def backward(saved: Any, d_outputs: Any, d_states: Sequence[Any]) -> RecurrentGradients: ...
