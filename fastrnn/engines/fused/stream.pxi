# Streams: single steps of a chain of layers, with kept states; part of engine.pyx.

cimport cython

cdef dict STAGE_KINDS = {
    "recurrent": FR_STAGE_RECURRENT,
    "dense": FR_STAGE_DENSE,
    "scale": FR_STAGE_SCALE,
    "normalize": FR_STAGE_NORMALIZE,
    "activate": FR_STAGE_ACTIVATE,
    "softmax": FR_STAGE_SOFTMAX,
    "embed": FR_STAGE_EMBED,
}
# A step of more numbers than this lets other Python threads run meanwhile: it takes microseconds,
# and to let go of the GIL and take it again a tenth of one, or a wait.
cdef double LARGE_STEP = 1 << 16


cdef dict weight_shapes(stage):
    """Return the shape of each array that a stage of this kind may have."""
    inputs, outputs = stage.inputs, stage.outputs
    if stage.kind == "recurrent":
        spec = CELLS[stage.cell]
        kernel = stage.weights.get("kernel")
        units = outputs if kernel is None else kernel.shape[1] // len(spec.gates)
        return spec.weight_shapes(inputs, units, outputs)
    if stage.kind == "dense":
        return {"kernel": (inputs, outputs), "bias": (outputs,)}
    if stage.kind == "embed":
        return {"kernel": (inputs, outputs)}
    return {name: (outputs,) for name in ("mean", "rate", "gamma", "beta")}


cdef class Stages:
    """``contract.StreamStage`` objects as the engine's structs, every shape checked."""

    cdef fr_stage *stages
    cdef int count
    cdef list arrays  # keeps the structs' pointers alive
    cdef list signature  # what may not change when weights are packed anew

    def __cinit__(self, stages, dtype):
        self.count = len(stages)
        self.arrays, self.signature = [], []
        self.stages = <fr_stage *>PyMem_RawCalloc(max(1, self.count), sizeof(fr_stage))
        if self.stages == NULL:
            raise MemoryError()
        for k, stage in enumerate(stages):
            self._set(&self.stages[k], stage, dtype)

    def __dealloc__(self):
        PyMem_RawFree(self.stages)

    cdef _set(self, fr_stage *s, stage, dtype):
        s.kind = STAGE_KINDS[stage.kind]
        s.cell = CELL_CODES[stage.cell]
        s.activation = ACTIVATION_CODES[stage.activation]
        s.recurrent_activation = ACTIVATION_CODES[stage.recurrent_activation]
        s.inputs, s.outputs, s.epsilon = stage.inputs, stage.outputs, stage.epsilon
        cdef dict given = {name: a for name, a in stage.weights.items() if a is not None}
        cdef dict shapes = weight_shapes(stage)
        for name, array in given.items():
            if array.dtype != dtype or array.shape != shapes.get(name):
                raise ValueError(
                    f"{name} {array.shape} {array.dtype} does not fit {shapes.get(name)} {dtype}"
                )
        required = {"kernel", "recurrent_kernel"} & shapes.keys()
        if required - given.keys() or ("mean" in given) != ("rate" in given):
            raise ValueError(f"a stage {stage.kind!r} without {sorted(required)}")
        names = [w.name for w in CELLS[stage.cell].weights]  # kernel and bias stand there for all
        for k, name in enumerate(names):
            s.weights[k] = self._given(given, name)
        if stage.kind == "recurrent":
            s.units = given["kernel"].shape[1] // len(CELLS[stage.cell].gates)
        s.mean = self._given(given, "mean")
        s.rate = self._given(given, "rate")
        s.gamma = self._given(given, "gamma")
        s.beta = self._given(given, "beta")
        sizes = (stage.kind, stage.cell, s.activation, s.recurrent_activation, s.inputs, s.outputs)
        self.signature.append((*sizes, s.epsilon, *sorted(given)))

    cdef const void *_given(self, dict given, str name) except? NULL:
        if name not in given:
            return NULL
        array = in_place(given[name])
        self.arrays.append(array)
        return address_of(array)


cdef class StreamKernel:
    """A chain of layers with its weights packed and its states, in memory that is its own.

    Args:
        stages: ``contract.StreamStage`` of each layer.
        batch: rows of a step.
        dtype: float32 or float64.
        threads: that take part in a large step, the caller's among them; made here.
        convert: function that makes an array of whatever a caller passes, of any shape, or raises
            what a layer would.
    """

    cdef const fr_stream_functions *functions
    cdef void *stream
    cdef fr_team *team
    cdef object memory, team_memory, convert
    cdef object dtype
    cdef list signature, state_shapes
    cdef readonly Py_ssize_t batch_size
    cdef Py_ssize_t inputs, outputs
    cdef int rank, input_type, output_type
    cdef bint large, busy

    def __cinit__(self, stages, Py_ssize_t batch, dtype, convert, int threads=1):
        cdef Stages given = Stages(stages, dtype)
        cdef fr_real real = FR_FLOAT if dtype == np.float32 else FR_DOUBLE
        self.functions = fr_stream_functions_of(ISA_CODES[isa()], real)
        cdef size_t size = self.functions.size(given.stages, given.count, batch)
        if size == SIZE_MAX:
            raise ValueError(f"a stream of batch {batch} of these layers does not fit the memory")
        self.memory = np.empty(size + 64, np.uint8)
        self.stream = aligned(self.memory)
        self.functions.make(self.stream, given.stages, given.count, batch)
        self.batch_size, self.dtype, self.convert = batch, np.dtype(dtype), convert
        self.signature = given.signature
        ids = given.stages[0].kind == FR_STAGE_EMBED
        self.rank = 1 if ids else 2
        self.inputs = 1 if ids else given.stages[0].inputs
        self.outputs = given.stages[given.count - 1].outputs
        self.output_type = self.dtype.num
        self.input_type = np.dtype(np.int64).num if ids else self.output_type
        self.large = batch * sum([a.size for a in given.arrays]) > LARGE_STEP and not (
            ids and given.count == 1
        )
        self.state_shapes = [
            (batch, size)
            for k, stage in enumerate(stages)
            if stage.kind == "recurrent"
            for size in CELLS[stage.cell].state_sizes(given.stages[k].units, stage.outputs)
        ]
        if threads > 1:
            self._start_team(threads - 1)

    cdef _start_team(self, int helpers):
        cdef size_t size = fr_team_size() + 64
        self.team_memory = np.empty(size, np.uint8)
        self.team = <fr_team *>aligned(self.team_memory)
        fr_team_start(self.team, helpers)
        self.functions.share(self.stream, self.team)

    def __dealloc__(self):
        if self.team != NULL:
            fr_team_stop(self.team)

    def __call__(self, x, out=None):
        """Compute one step, see ``streaming.Stream``."""
        cdef cnp.npy_intp shape[2]
        if not self._is_step(x, self.rank, self.inputs, self.input_type):
            x = self._converted(x, self.rank)
        if out is None:
            shape[0], shape[1] = self.batch_size, self.outputs
            out = cnp.PyArray_EMPTY(2, shape, self.output_type, 0)
        elif not (
            self._is_step(out, 2, self.outputs, self.output_type)
            and cnp.PyArray_ISWRITEABLE(<cnp.ndarray>out)
        ):
            raise ValueError(errors.bad_out(out, (self.batch_size, self.outputs), self.dtype))
        elif _overlap(<cnp.ndarray>x, <cnp.ndarray>out):
            x = x.copy()
        self._run(x, out, 1)
        return out

    def run(self, x):
        """Compute the steps of x (batch, timesteps, features), see ``streaming.Stream``."""
        x = self._converted(x, self.rank + 1)
        out = np.empty((self.batch_size, x.shape[1], self.outputs), self.dtype)
        self._run(x, out, x.shape[1])
        return out

    cdef bint _is_step(self, object a, int rank, Py_ssize_t width, int type_num) noexcept:
        """Whether ``a`` is an array that the engine can take as it is."""
        if not cnp.PyArray_CheckExact(a):
            return False
        cdef cnp.ndarray array = <cnp.ndarray>a
        return (
            cnp.PyArray_TYPE(array) == type_num
            and cnp.PyArray_NDIM(array) == rank
            and cnp.PyArray_DIM(array, 0) == self.batch_size
            and (rank == 1 or cnp.PyArray_DIM(array, 1) == width)
            and cnp.PyArray_IS_C_CONTIGUOUS(array)
            and cnp.PyArray_ISBEHAVED_RO(array)
        )

    cdef object _converted(self, object x, int rank):
        """Return a new array of what was passed, or raise ``ValueError``."""
        given = self.convert(x)
        sizes = (self.batch_size, given.shape[1] if rank > self.rank and given.ndim > 1 else 1)
        shape = sizes[: rank - self.rank + 1] + (self.inputs,) * (self.rank - 1)
        if given.shape != shape:
            names = ("batch", "timesteps")[: rank - self.rank + 1] + ("features",) * (self.rank - 1)
            expected = f"({', '.join(names)}) with batch {self.batch_size}"
            if self.rank == 2:
                expected += f" and {self.inputs} features"
            raise ValueError(errors.bad_shape("x", given.shape, expected))
        array = np.empty(shape, np.int64 if self.rank == 1 else self.dtype)
        array[...] = given
        return array

    cdef _run(self, object x, object out, Py_ssize_t steps):
        cdef const void *source = cnp.PyArray_DATA(<cnp.ndarray>x)
        cdef void *target = cnp.PyArray_DATA(<cnp.ndarray>out)
        cdef int status = FR_STREAM_DONE
        cdef Py_ssize_t t
        self._begin()
        if self.large or steps > 1:
            with nogil:
                for t in range(steps):
                    status = self.functions.step(self.stream, source, target, t, steps)
                    if status != FR_STREAM_DONE:
                        break
        else:
            status = self.functions.step(self.stream, source, target, 0, 1)
        self.busy = False
        if status == FR_STREAM_BAD_ID:
            self.convert(x)
            raise ValueError(errors.bad_argument("x", x, "integers below input_dim"))

    def _read_states(self):
        """Return a copy of every state."""
        cdef int k, count = len(self.state_shapes)
        cdef list arrays = [np.empty(shape, self.dtype) for shape in self.state_shapes]
        self._begin()
        for k in range(count):
            self.functions.read_state(self.stream, k, cnp.PyArray_DATA(<cnp.ndarray>arrays[k]))
        self.busy = False
        return arrays

    def _write_states(self, states):
        """Set every state, from arrays of whatever dtype and the shapes of ``_read_states``."""
        cdef int k, count = len(self.state_shapes)
        cdef list arrays = [np.array(s, self.dtype, order="C") for s in states]
        if [a.shape for a in arrays] != self.state_shapes:
            raise ValueError(f"states of shapes {[a.shape for a in arrays]}")
        self._begin()
        for k in range(count):
            self.functions.write_state(self.stream, k, cnp.PyArray_DATA(<cnp.ndarray>arrays[k]))
        self.busy = False

    def _reset_rows(self, rows):
        """Zero the states of some rows."""
        cdef Py_ssize_t row
        cdef list chosen = [int(row) for row in rows]
        self._begin()
        for row in chosen:
            self.functions.reset_row(self.stream, row)
        self.busy = False

    def _pack(self, stages):
        """Pack the weights anew; the stages are those of before but for the numbers in them."""
        cdef Stages given = Stages(stages, self.dtype)
        if given.signature != self.signature:
            raise ValueError("layers have changed: make a new stream")
        self._begin()
        self.functions.pack(self.stream, given.stages)
        self.busy = False

    cdef int _begin(self) except -1:
        """Take hold of the stream, or raise ``RuntimeError``; nothing raises until it is let go."""
        with cython.critical_section(self):
            if self.busy:
                raise RuntimeError(
                    "This stream is at work in another thread: make a stream for each thread."
                )
            self.busy = True
        return 0


cdef bint _overlap(cnp.ndarray a, cnp.ndarray b) noexcept:
    cdef char *first = <char *>cnp.PyArray_DATA(a)
    cdef char *second = <char *>cnp.PyArray_DATA(b)
    return first < second + cnp.PyArray_NBYTES(b) and second < first + cnp.PyArray_NBYTES(a)
