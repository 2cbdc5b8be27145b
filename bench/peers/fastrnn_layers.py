"""fastrnn, called as a user calls it: NumPy arrays in, NumPy arrays out."""

from __future__ import annotations

from typing import Any

from peers import Training, Work


def start(threads: int, engine: str = "auto") -> str:
    import fastrnn

    fastrnn.config.set_num_threads(threads)
    fastrnn.config.set_engine(engine)
    return fastrnn.__version__


def prepare(case: Any, weights: list, x: Any, y: Any) -> Work:
    import fastrnn
    from fastrnn.bench.cases import build_model

    model = build_model(fastrnn, case)
    model.set_weights(weights)
    layer = model.layers[0]
    return Work(
        forward=[lambda: layer(x)],
        training=[Training(lambda: model.train_on_batch(x, y), model.get_weights)],
    )
