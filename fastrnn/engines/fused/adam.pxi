# Steps of Adam; part of engine.pyx.


def adam(value, gradient, m, v, v_hat, double beta_1, double beta_2, double epsilon, double alpha):
    """Take one step of Adam in place, as ``reference.adam`` does.

    Raises:
        ValueError: arrays that are not C-contiguous, of one shape, and all float32 or all float64.
    """
    cdef fr_adam u
    cdef fr_isa code = ISA_CODES[isa()]
    gradient = in_place(gradient)
    given = [a for a in (value, gradient, m, v, v_hat) if a is not None]
    for array in given:
        if array.shape != value.shape or array.dtype != value.dtype:
            given_as, expected = f"{array.shape} {array.dtype}", f"{value.shape} {value.dtype}"
            raise ValueError(f"{given_as} does not fit {expected}")
        if not (array.flags.c_contiguous and array.flags.aligned):
            raise ValueError("the arrays must be C-contiguous")
        if array is not gradient and not array.flags.writeable:
            raise ValueError("the arrays must be writeable")
    if value.dtype != np.float32 and value.dtype != np.float64:
        raise ValueError(f"dtype {value.dtype}, expected float32 or float64")
    u.real = FR_FLOAT if value.dtype == np.float32 else FR_DOUBLE
    u.size = value.size
    u.value, u.gradient = address_of(value), address_of(gradient)
    u.m, u.v, u.v_hat = address_of(m), address_of(v), address_of(v_hat)
    u.beta_1, u.beta_2, u.epsilon, u.alpha = beta_1, beta_2, epsilon, alpha
    u.threads = config.num_threads()
    with nogil:
        fr_adam_update(code, &u)
