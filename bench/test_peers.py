"""Every adapter whose library is installed computes what the reference engine does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from compare import Peer, WrongResult, take_turns
from peers import MODULES

from fastrnn.bench.cases import Case
from fastrnn.bench.timing import expected_results

SMALL = [
    Case(layer, 3, 5, 4, 6, bidirectional=both)
    for layer in ("SimpleRNN", "LSTM", "GRU")
    for both in (False, True)
]
INFERENCE_ONLY = ("onnxruntime", "openvino", "thinc")


@pytest.fixture(scope="module", params=MODULES)
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    peer = Peer(request.param, {"threads": 1})
    if peer.version is None:
        pytest.skip(f"{request.param} is not installed")
    yield peer
    peer.close()


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.id)
def test_results_are_the_reference_engines(peer: Peer, case: Case) -> None:
    estimates = peer.ask("prepare", case, expected_results(case))
    if peer.name == "thinc" and case.layer != "LSTM":
        assert estimates is None
        return
    assert set(estimates) == {"forward"} if peer.name in INFERENCE_ONLY else set(case.work)
    assert all(times for times in take_turns([peer], "forward", 0.001).values())


@pytest.mark.parametrize("work", ["forward", "training"])
def test_a_wrong_result_names_the_library_and_the_case(work: str) -> None:
    peer = Peer("fastrnn", {"threads": 1})
    case = SMALL[1]
    expected = expected_results(case)
    expected[work][0] = np.asarray(expected[work][0]) * 1.01
    try:
        with pytest.raises(WrongResult, match=f"^fastrnn, prepare {case.id}: (?s:.*)off by"):
            peer.ask("prepare", case, expected)
    finally:
        peer.close()
