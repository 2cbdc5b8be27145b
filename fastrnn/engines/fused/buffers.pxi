# Memory that calls of the fused engine work in; part of engine.pyx.

# Buffers of finished calls, for calls to come: fresh memory costs more than small work does.

cdef list free_buffers = []
cdef object buffers_lock = threading.RLock()  # a buffer may be given back by a garbage collection
cdef size_t free_bytes = 0
cdef size_t MOST_FREE_BYTES = 1 << 28
cdef int MOST_FREE_BUFFERS = 32


def _renew_lock():
    # A forked child may have been born while another thread held the lock.
    global buffers_lock
    buffers_lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


cdef object take_buffer(size_t size):
    """Return an uint8 array of at least ``size`` bytes and 64 more, for its alignment."""
    global free_bytes
    cdef Py_ssize_t k, best = -1
    cdef size_t have, least = SIZE_MAX
    if size >= SIZE_MAX // 4:
        raise MemoryError("The sequences are too long for the memory: use smaller batches.")
    size += 64
    with buffers_lock:
        for k in range(len(free_buffers)):
            have = free_buffers[k].nbytes
            if size <= have < least and have // 4 <= size:
                best, least = k, have
        if best >= 0:
            free_bytes -= least
            return free_buffers.pop(best)
    return np.empty(size, np.uint8)


cdef give_back(object buffer):
    global free_bytes
    cdef size_t size
    if buffer is None:
        return
    size = buffer.nbytes
    with buffers_lock:
        if size + free_bytes <= MOST_FREE_BYTES and len(free_buffers) < MOST_FREE_BUFFERS:
            free_bytes += size
            free_buffers.append(buffer)


def release_buffers() -> int:
    """Free the memory that is kept for later calls, and return how many bytes it was."""
    global free_bytes
    with buffers_lock:
        released = free_bytes
        free_buffers.clear()
        free_bytes = 0
    return released


cdef void *aligned(object buffer) except NULL:
    return <void *>((<size_t>address_of(buffer) + 63) // 64 * 64)


cdef void *address_of(object array) except? NULL:
    """Return where the numbers of an array stand; NULL for ``None``."""
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray?>array)


cdef object in_place(object array):
    """Return the array itself if C can read it where it stands, else a copy that it can."""
    if cnp.PyArray_CheckExact(array) and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>array):
        return array
    return np.require(array, requirements="CA")
