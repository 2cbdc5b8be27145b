# SimpleRNN: h = act(a).

from cython cimport floating
from libc.string cimport memcpy, memset

from fastrnn.engines.blas.row cimport Row, activate, derive


cdef inline void simple_rnn_forward(floating real, Row *r) noexcept nogil:
    activate(real, r.activation, r.y, r.pre, 0, 1, r.H)
    memcpy(r.h, r.y, r.H * sizeof(floating))


cdef inline void simple_rnn_backward(floating real, Row *r) noexcept nogil:
    memcpy(r.d, r.dh, r.H * sizeof(floating))
    memset(r.dh, 0, r.H * sizeof(floating))
    derive(real, r.activation, r.d, r.pre, r.y, 0, 1, r.H)
