# Products of matrices; part of engine.pyx.


def matmul(a, b, bias=None):
    """Return ``a @ b + bias`` for arrays of two axes, or of three with a first one in common.

    Args:
        a: (rows, terms) or (count, rows, terms); any strides.
        b: (terms, columns) or (count, terms, columns); any strides.
        bias: (columns,), or ``None``.

    Raises:
        ValueError: shapes that do not fit, a size of 0, or dtypes that are not all float32 or all
            float64.
    """
    cdef fr_matrix_product m
    cdef fr_isa code = ISA_CODES[isa()]
    _check_matrices(a, b, bias)
    m.real = FR_FLOAT if a.dtype == np.float32 else FR_DOUBLE
    m.count = a.shape[0] if a.ndim == 3 else 1
    m.rows, m.terms = a.shape[a.ndim - 2], a.shape[a.ndim - 1]
    m.columns = b.shape[b.ndim - 1]
    a, b = _whole_numbers(a), _whole_numbers(b)
    m.a_matrix, m.a_row, m.a_term = _distances(a)
    m.b_matrix, m.b_term, m.b_column = _distances(b)
    m.a, m.b = address_of(a), address_of(b)
    if bias is not None:
        bias = in_place(bias)
    m.bias = address_of(bias)
    out = np_empty((*a.shape[: a.ndim - 1], m.columns), a.dtype)
    m.out = address_of(out)
    m.threads = config.num_threads()
    scratch = take_buffer(fr_matrix_scratch(code, &m))
    m.scratch = aligned(scratch)
    with nogil:
        fr_multiply(code, &m)
    give_back(scratch)
    return out


cdef _check_matrices(a, b, bias):
    if a.dtype not in (np.float32, np.float64) or b.dtype != a.dtype:
        raise ValueError(f"dtypes {a.dtype} and {b.dtype}, expected float32 or float64 for both")
    if a.ndim not in (2, 3) or b.ndim != a.ndim or 0 in a.shape or 0 in b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape}, expected two or three axes for both")
    rows, columns = tuple(a.shape), tuple(b.shape)
    if rows[a.ndim - 1] != columns[b.ndim - 2] or rows[: a.ndim - 2] != columns[: b.ndim - 2]:
        raise ValueError(f"shapes {rows} and {columns} do not fit")
    if bias is not None and (bias.shape != columns[b.ndim - 1 :] or bias.dtype != a.dtype):
        raise ValueError(f"bias {bias.shape} {bias.dtype} does not fit {columns} {b.dtype}")


cdef object _whole_numbers(object array):
    """The array, or a copy where it is not aligned or its strides are no multiples of items."""
    if array.flags.aligned and not any([stride % array.itemsize for stride in array.strides]):
        return array
    return in_place(array)


cdef tuple _distances(object array):
    strides = [stride // array.itemsize for stride in array.strides]
    return (0, *strides) if array.ndim == 2 else tuple(strides)
