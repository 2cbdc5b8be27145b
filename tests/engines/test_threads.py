"""The thread pool of the fused engine: fork, concurrent callers, idleness, and the same bits."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import fastrnn
from fastrnn import config
from fastrnn.layers import GRU, LSTM, Bidirectional, Dense, SimpleRNN

TASKS = Path("/proc/self/task")


@pytest.fixture(autouse=True)
def default_settings():
    yield
    config.set_num_threads(None)


def large_layer():
    """A layer, and inputs that are work for two threads."""
    fastrnn.utils.set_random_seed(1)
    layer = LSTM(64, return_sequences=True)
    x = np.random.default_rng(0).standard_normal((32, 40, 16), dtype=np.float32)
    return layer, x, layer(x)


def run_script(script):
    result = subprocess.run(
        [sys.executable, "-P", "-W", "error::RuntimeWarning", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_eight_callers_share_one_layer():
    config.set_num_threads(2)
    layer, x, expected = large_layer()
    wrong = []

    def work():
        for _ in range(15):
            if not np.array_equal(layer(x), expected):
                wrong.append(threading.get_ident())

    callers = [threading.Thread(target=work) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def test_the_number_of_threads_may_change_between_calls():
    layer, x, expected = large_layer()
    for threads in (1, 3, 2, 7, 1, 4):
        config.set_num_threads(threads)
        assert config.num_threads() == threads
        np.testing.assert_array_equal(layer(x), expected)


@pytest.mark.parametrize("bad", [0, -1, 257, 1.5, "2", True])
def test_bad_numbers_of_threads(bad):
    before = config.num_threads()
    with pytest.raises(ValueError, match="`threads`"):
        config.set_num_threads(bad)
    assert config.num_threads() == before


def train(threads):
    config.set_num_threads(threads)
    fastrnn.utils.set_random_seed(7)
    model = fastrnn.Sequential(
        [
            fastrnn.Input((20, 12)),
            Bidirectional(LSTM(40, return_sequences=True, dropout=0.2)),
            GRU(48, return_sequences=True, recurrent_dropout=0.1),
            SimpleRNN(30),
            Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    rng = np.random.default_rng(2)
    x = rng.standard_normal((64, 20, 12), dtype=np.float32)
    y = rng.standard_normal((64, 1), dtype=np.float32)
    losses = [model.train_on_batch(x, y) for _ in range(50)]
    return losses, model.get_weights()


def test_fifty_training_steps_are_the_same_bits_for_any_number_of_threads():
    losses, weights = train(1)
    assert losses[-1] < losses[0]
    for threads in (2, 3, 7):
        more_losses, more_weights = train(threads)
        assert more_losses == losses
        for one, other in zip(weights, more_weights, strict=True):
            np.testing.assert_array_equal(one, other)


SCRIPT_START = """
import os, sys, threading, time
import numpy as np
from fastrnn import config
from fastrnn.layers import LSTM
config.set_num_threads(2)
layer = LSTM(64, return_sequences=True, seed=1)
x = np.random.default_rng(0).standard_normal((32, 40, 16), dtype=np.float32)
layer.build(x.shape)

def child_agrees(expected):
    # The child computes with threads of its own; True if its outputs are `expected`.
    child = os.fork()
    if child == 0:
        agrees = np.array_equal(layer(x), expected) and np.array_equal(layer(x), expected)
        os._exit(0 if agrees else 1)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.001)
    os.kill(child, 9)
    return False
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("moment", ["before the first use", "after use", "during use"])
def test_a_forked_child_computes(moment):
    script = {
        "before the first use": """
config.set_num_threads(1)
expected = layer(x)
config.set_num_threads(2)
assert child_agrees(expected)
""",
        "after use": """
expected = layer(x)
assert child_agrees(expected)
assert np.array_equal(layer(x), expected)
assert child_agrees(expected)
""",
        "during use": """
expected = layer(x)
stop = False
def work():
    while not stop:
        layer(x)
workers = [threading.Thread(target=work) for _ in range(2)]
for worker in workers:
    worker.start()
agreed = [child_agrees(expected) for _ in range(25)]
stop = True
for worker in workers:
    worker.join()
assert all(agreed), agreed
""",
    }[moment]
    run_script(SCRIPT_START + script)


@pytest.mark.skipif(not TASKS.exists(), reason="only Linux lists a process's threads in /proc")
def test_no_thread_is_made_before_work_needs_one():
    script = """
before = len(os.listdir("/proc/self/task"))
LSTM(4)(np.zeros((1, 3, 2), np.float32))
assert len(os.listdir("/proc/self/task")) == before, "small work made a thread"
layer(x)
assert len(os.listdir("/proc/self/task")) == before + 1
config.set_num_threads(4)
layer(np.concatenate([x] * 4))
assert len(os.listdir("/proc/self/task")) == before + 3
"""
    run_script(SCRIPT_START + script)


def test_idle_threads_use_no_processor():
    config.set_num_threads(4)
    layer, x, _ = large_layer()
    layer(x)
    time.sleep(0.05)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.02
