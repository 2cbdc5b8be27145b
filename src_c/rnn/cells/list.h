/* The one list of cells: enum and names are made of it; the rows of table.h stand in its order.
 *
 *     CELL(name, NAME)
 */
#ifndef FR_RNN_CELLS_LIST_H
#define FR_RNN_CELLS_LIST_H

#define FR_CELLS(CELL)                                                                             \
    CELL(simple_rnn, SIMPLE_RNN)                                                                   \
    CELL(lstm, LSTM)                                                                               \
    CELL(gru, GRU)                                                                                 \
    CELL(gru_reset_after, GRU_RESET_AFTER)                                                         \
    CELL(peephole_lstm, PEEPHOLE_LSTM)                                                             \
    CELL(projected_lstm, PROJECTED_LSTM)                                                           \
    CELL(layer_norm_lstm, LAYER_NORM_LSTM)                                                         \
    CELL(layer_norm_gru, LAYER_NORM_GRU)

#endif
