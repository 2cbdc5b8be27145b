# Cells: the table of their facts and functions. A new cell is its functions and a line here.

from fastrnn.engines.blas.gru cimport (
    gru_backward,
    gru_forward,
    gru_operand,
    gru_operand_backward,
    gru_reset_after_backward,
    gru_reset_after_forward,
)
from fastrnn.engines.blas.layer_norm cimport (
    layer_norm_gru_backward,
    layer_norm_gru_forward,
    layer_norm_lstm_backward,
    layer_norm_lstm_forward,
)
from fastrnn.engines.blas.lstm cimport (
    lstm_backward,
    lstm_forward,
    peephole_lstm_backward,
    peephole_lstm_forward,
)
from fastrnn.engines.blas.row cimport Cell, RowFunction
from fastrnn.engines.blas.simple_rnn cimport simple_rnn_backward, simple_rnn_forward


cdef inline int find_cell(str name, Cell *cell) except -1:
    """Set what the cell of this name is: its facts, but for those of its spec, and functions."""
    if name == "simple_rnn":
        cell.forward = RowFunction(simple_rnn_forward[float], simple_rnn_forward[double])
        cell.backward = RowFunction(simple_rnn_backward[float], simple_rnn_backward[double])
    elif name in ("lstm", "projected_lstm"):
        cell.kept_blocks = 1
        cell.forward = RowFunction(lstm_forward[float], lstm_forward[double])
        cell.backward = RowFunction(lstm_backward[float], lstm_backward[double])
    elif name == "peephole_lstm":
        cell.kept_blocks = 1
        cell.forward = RowFunction(peephole_lstm_forward[float], peephole_lstm_forward[double])
        cell.backward = RowFunction(peephole_lstm_backward[float], peephole_lstm_backward[double])
    elif name == "layer_norm_lstm":
        cell.apart = True
        cell.kept_blocks, cell.kept_numbers = 7, 2
        cell.forward = RowFunction(layer_norm_lstm_forward[float], layer_norm_lstm_forward[double])
        cell.backward = RowFunction(
            layer_norm_lstm_backward[float], layer_norm_lstm_backward[double]
        )
    elif name == "gru":
        cell.late = True
        cell.kept_blocks = 1
        cell.operand = RowFunction(gru_operand[float], gru_operand[double])
        cell.operand_backward = RowFunction(
            gru_operand_backward[float], gru_operand_backward[double]
        )
        cell.forward = RowFunction(gru_forward[float], gru_forward[double])
        cell.backward = RowFunction(gru_backward[float], gru_backward[double])
    elif name == "gru_reset_after":
        cell.apart = True
        cell.kept_blocks = 1
        cell.forward = RowFunction(gru_reset_after_forward[float], gru_reset_after_forward[double])
        cell.backward = RowFunction(
            gru_reset_after_backward[float], gru_reset_after_backward[double]
        )
    elif name == "layer_norm_gru":
        cell.apart = True
        cell.kept_blocks, cell.kept_numbers = 4, 2
        cell.forward = RowFunction(layer_norm_gru_forward[float], layer_norm_gru_forward[double])
        cell.backward = RowFunction(
            layer_norm_gru_backward[float], layer_norm_gru_backward[double]
        )
    else:
        raise ValueError(f"the blas engine has no cell {name!r}")
    return 0
