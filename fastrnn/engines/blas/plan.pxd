# Plan: one pass as a struct of its sizes and of pointers to its arrays, which the engine owns.
#
# Pointers are to numbers of the pass's type. Inside, steps stand in the order of processing.

from cython cimport floating
from libc.string cimport memset

from fastrnn.engines.blas.row cimport MAX_STATES, MAX_WEIGHTS, Cell, Row, at

cdef struct Plan:
    Cell cell
    bint save, backwards, return_sequences
    Py_ssize_t B, T, F, H, P, G
    Py_ssize_t W  # G·H, the columns of all gates
    Py_ssize_t K  # numbers that a row keeps for its backward function
    Py_ssize_t chunk  # steps whose input products are computed at once
    Py_ssize_t dropout_gates  # 0: no input dropout; 1: shared; G: one mask for each gate
    Py_ssize_t sizes[MAX_STATES]
    const void *activation
    const void *recurrent_activation
    double epsilon
    # Given arrays.
    const void *x  # (B, T, F)
    const void *weights[MAX_WEIGHTS]
    const void *bias  # (G·H,), of the input sums: what the gates begin with; or NULL
    const void *recurrent_bias  # (G·H,), of recurrent sums that stand apart; or NULL
    const void *gain  # (G·H,), of normalised input sums
    const void *projection  # (H, P)
    const void *input_dropout
    const void *recurrent_dropout
    # uint8 (T, B) or NULL: the step counts; the step's output is h_t (else it is zero).
    const unsigned char *keep
    const unsigned char *emit
    bint zoned[MAX_STATES]  # whether the state's new value has a share alone
    double shares[MAX_STATES]
    const void *share_masks[MAX_STATES]  # (T, B, size), in the place of the number; or NULL
    # Own arrays. Leading axis: steps; where nothing is saved, one alone, or those of a chunk.
    void *inputs  # (·, B, F), masked steps zero, shared input dropout applied
    void *gates  # (·, B, W), activated
    void *pre  # (·, B, W) pre-activations, or NULL where no derivative needs them
    void *normal  # (·, B, W) LN of the input sums, where the cell normalises
    void *rates  # (·, B, groups), of each row that is normalised
    void *states[MAX_STATES]  # (· + 1, B, size); entry t stands before step t
    void *fresh_c  # (·, B, H): c before zoneout, where there is one; else NULL
    void *hidden  # (·, B, H): h before its projection; else NULL
    void *kept  # (·, B, K)
    void *recurrent  # (B, W): recurrent sums, where they stand apart
    void *dropped  # scratch for x or h times a per-gate dropout mask
    void *outputs

cdef struct Gradients:
    void *d_states[MAX_STATES]  # (B, size)
    void *d_old[MAX_STATES]  # (B, size): what zoneout hands past a step
    void *dz  # (T, B, W): of the input sums
    void *dr  # (T, B, W): of the recurrent sums where they stand apart; elsewhere dz itself
    void *d_hidden  # (B, H): of h before its projection
    void *d_projected  # (T, B, P): of h behind it, at the steps that count
    void *scratch  # (B, H)
    void *dropped  # (T, B, max(F, P)) where a dropout mask stands for one gate alone
    const void *d_outputs  # or NULL
    void *ones  # (T·B,)
    void *dinputs  # (T, B, F) in the order of processing
    void *dx  # or NULL where it is not wanted
    void *dkernel
    void *drecurrent_kernel
    void *d_projection
    void *dbias  # column sums of dz, or NULL
    void *drecurrent_bias  # column sums of dr, or NULL
    double *d_weights[MAX_WEIGHTS]  # sums that the cell's functions make row by row


cdef inline bint is_masked(Plan *p, Py_ssize_t t, Py_ssize_t b) noexcept nogil:
    return p.keep != NULL and not p.keep[t * p.B + b]


cdef inline floating *state_at(floating real, Plan *p, int s, Py_ssize_t t) noexcept nogil:
    # State s (B, size) before step t.
    cdef Py_ssize_t entry = t if p.save else t % 2
    return <floating *>p.states[s] + entry * p.B * p.sizes[s]


cdef inline floating *kept_at(
    floating real, Plan *p, void *array, Py_ssize_t t, Py_ssize_t width
) noexcept nogil:
    # The rows (B, width) of step t in an array of every step, or of one where nothing is saved.
    return at(real, array, t * p.B * width if p.save else 0)


cdef inline Row row_at(
    floating real, Plan *p, Py_ssize_t t, Py_ssize_t k, Py_ssize_t b
) noexcept nogil:
    # Sample b of step t, whose input sums stand as number k of the chunk.
    cdef Row r
    cdef Py_ssize_t H = p.H, W = p.W, entry = k * p.B + b, i
    memset(&r, 0, sizeof(Row))
    r.H = H
    r.activation, r.recurrent_activation, r.epsilon = (
        p.activation, p.recurrent_activation, p.epsilon
    )
    for i in range(MAX_WEIGHTS):
        r.weights[i] = p.weights[i]
    r.y = at(real, p.gates, entry * W)
    r.pre = at(real, p.pre, entry * W)
    r.normal = at(real, p.normal, entry * W)
    r.rates = at(real, p.rates, entry * p.cell.groups)
    r.recurrent = at(real, p.recurrent, b * W)
    r.kept = at(real, kept_at(real, p, p.kept, t, p.K), b * p.K)
    r.h_prev = state_at(real, p, 0, t) + b * p.P
    if p.hidden != NULL:
        r.h = kept_at(real, p, p.hidden, t, H) + b * H
    else:
        r.h = state_at(real, p, 0, t + 1) + b * p.P
    if p.cell.carries:
        r.c_prev = state_at(real, p, 1, t) + b * H
        if p.fresh_c != NULL:
            r.c = kept_at(real, p, p.fresh_c, t, H) + b * H
        else:
            r.c = state_at(real, p, 1, t + 1) + b * H
    return r
