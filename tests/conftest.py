"""What all tests share: live Keras runs on the torch backend, and BLAS in one thread.

The products of the tests are small: threads of BLAS do not make them faster, and on a busy machine
they wait for each other many times as long as the product takes.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
