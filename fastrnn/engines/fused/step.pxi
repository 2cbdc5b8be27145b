# Single steps of a cell; part of engine.pyx, which `Inference` is of too.


cdef class StepInference(Inference):
    """A cell ready to be run on single steps, as ``Inference`` is on sequences.

    Args:
        call: a call of the cell without ``return_sequences``; its inputs do not matter.
    """

    cdef int type_num, states

    def __cinit__(self, call):
        self.type_num = cnp.NPY_FLOAT if self.single else cnp.NPY_DOUBLE
        self.rnn.timesteps = 1
        self.states = len(call.spec.states)

    def __call__(self, x, states):
        """Return the output and the list of new states, or ``None`` where it needs another way.

        That is: unless ``x`` (B, F) and the ``states``, a list or tuple of (B, H), are C-contiguous
        arrays of the cell's dtype, with fewer than 65 rows.
        """
        cdef fr_rnn rnn = self.rnn
        cdef int k
        cdef cnp.npy_intp shape[2]
        if not isinstance(states, (list, tuple)) or len(states) != self.states:
            return None
        if not self._fits(x, -1, rnn.features):
            return None
        rnn.batch = cnp.PyArray_DIM(<cnp.ndarray>x, 0)
        for k in range(self.states):
            if not self._fits(states[k], rnn.batch, self._size(k)):
                return None
        shape[0], shape[1] = rnn.batch, self._size(0)
        output = cnp.PyArray_EMPTY(2, shape, self.type_num, 0)
        rnn.x = cnp.PyArray_DATA(<cnp.ndarray>x)
        rnn.outputs = cnp.PyArray_DATA(<cnp.ndarray>output)
        new = []
        for k in range(self.states):
            shape[1] = self._size(k)
            state = cnp.PyArray_EMPTY(2, shape, self.type_num, 0)
            rnn.initial_states[k] = cnp.PyArray_DATA(<cnp.ndarray>states[k])
            rnn.final_states[k] = cnp.PyArray_DATA(<cnp.ndarray>state)
            new.append(state)
        rnn.threads = config.num_threads()
        self._compute(&rnn)
        return output, new

    cdef Py_ssize_t _size(self, int state) noexcept:
        return self.rnn.units if state else outputs_of(&self.rnn)

    cdef bint _fits(self, object a, Py_ssize_t rows, Py_ssize_t width):
        if not cnp.PyArray_CheckExact(a):
            return False
        cdef cnp.ndarray array = <cnp.ndarray>a
        return (
            cnp.PyArray_TYPE(array) == self.type_num
            and cnp.PyArray_NDIM(array) == 2
            and cnp.PyArray_DIM(array, 1) == width
            and 0 < cnp.PyArray_DIM(array, 0) < SMALL_ROWS
            and (rows < 0 or cnp.PyArray_DIM(array, 0) == rows)
            and cnp.PyArray_IS_C_CONTIGUOUS(array)
            and cnp.PyArray_ISBEHAVED_RO(array)
        )

    cdef _compute(self, fr_rnn *rnn):
        cdef fr_sizes sizes = fr_sizes_of(self.isa, rnn)
        cdef char *memory = <char *>PyMem_RawMalloc(sizes.workspace + sizes.forward_scratch + 64)
        if memory == NULL:
            raise MemoryError()
        rnn.workspace = <char *>((<size_t>memory + 63) // 64 * 64)
        rnn.scratch = <char *>rnn.workspace + sizes.workspace
        with nogil:
            fr_forward(self.isa, rnn, 1)
        PyMem_RawFree(memory)
