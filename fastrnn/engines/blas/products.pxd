# Products: BLAS on row-major arrays, and loops over the rows of all samples or steps.

from cython cimport floating
from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport dgemm, sgemm

from fastrnn.engines.blas.row cimport multiply


cdef inline void product(
    bint transpose_a, bint transpose_b, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const floating *a, Py_ssize_t lda, const floating *b, Py_ssize_t ldb,
    floating beta, floating *c, Py_ssize_t ldc,
) noexcept nogil:
    # C (m, n) = op(A)·op(B) + beta·C, all row-major. BLAS is column-major: it sees the transposes,
    # so the operands change places.
    cdef char ta = b"T" if transpose_a else b"N"
    cdef char tb = b"T" if transpose_b else b"N"
    cdef int im = <int>m, in_ = <int>n, ik = <int>k
    cdef int ia = <int>lda, ib = <int>ldb, ic = <int>ldc
    cdef floating one = 1
    if floating is float:
        sgemm(&tb, &ta, &in_, &im, &ik, &one, <float *>b, &ib, <float *>a, &ia, &beta, c, &ic)
    else:
        dgemm(&tb, &ta, &in_, &im, &ik, &one, <double *>b, &ib, <double *>a, &ia, &beta, c, &ic)


cdef inline void fill_rows(
    floating *out, const floating *row, Py_ssize_t rows, Py_ssize_t n
) noexcept nogil:
    # Every row becomes `row`, or zero where that is NULL.
    cdef Py_ssize_t b
    if row == NULL:
        memset(out, 0, rows * n * sizeof(floating))
        return
    for b in range(rows):
        memcpy(out + b * n, row, n * sizeof(floating))


cdef inline void multiply_steps(
    const floating *a, const floating *factors, floating *out, Py_ssize_t steps, Py_ssize_t n
) noexcept nogil:
    # out (steps, n) = a (steps, n) · factors (n,)
    cdef Py_ssize_t t
    for t in range(steps):
        multiply(a + t * n, factors, out + t * n, n)
