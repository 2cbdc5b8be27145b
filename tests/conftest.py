"""What all tests share: live Keras on the torch backend, BLAS in one thread, numbers of their own,
a server of files.

The products of the tests are small: threads of BLAS do not make them faster, and on a busy machine
they wait for each other many times as long as the product takes.
"""

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def numbers_of_its_own(request, monkeypatch):
    """Start a module's ``RNG`` anew: a test draws the same numbers alone and in any order."""
    if hasattr(request.module, "RNG"):
        import numpy as np

        monkeypatch.setattr(request.module, "RNG", np.random.default_rng(0))


@pytest.fixture(autouse=True)
def types_of_its_own(monkeypatch):
    """Let layers have the type that ``floatx`` says, and forget a policy that a test sets."""
    monkeypatch.setattr("fastrnn.config._policy", None)


@pytest.fixture
def server():
    """Serves ``server.pages``, bytes by path; ``server.url`` is its address."""

    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = server.pages.get(self.path)
            server.visits += 1
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"") + server.lost))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.pages, server.visits, server.lost = {}, 0, 0
    server.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
