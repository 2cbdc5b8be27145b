/* The table of cells. */
#ifndef FR_RNN_CELLS_TABLE_H
#define FR_RNN_CELLS_TABLE_H

#include "rnn/cells/gru.h"
#include "rnn/cells/lstm.h"
#include "rnn/cells/simple_rnn.h"

static const fr_cell_spec cell_specs[FR_CELL_COUNT] = {
    [FR_SIMPLE_RNN] = {.gates = 1,
                       .input_rows = 1,
                       .saved = 0,
                       .d_gates = 1,
                       .phases = 1,
                       .phase = {{0, 1, FR_MAX_COLUMNS, 0}},
                       .forward = simple_rnn_forward,
                       .backward = simple_rnn_backward},
    [FR_LSTM] = {.gates = 4,
                 .has_c = 1,
                 .input_rows = 1,
                 .saved = 4,
                 .d_gates = 4,
                 .phases = 1,
                 .phase = {{0, 4, 1, 0}},
                 .forward = lstm_forward,
                 .backward = lstm_backward},
    [FR_GRU] = {.gates = 3,
                .input_rows = 2,
                .saved = 3,
                .d_gates = 3,
                .phases = 2,
                .phase = {{0, 2, 1, 0}, {2, 1, FR_MAX_COLUMNS, 1}},
                .forward = gru_forward,
                .backward = gru_backward},
    [FR_GRU_RESET_AFTER] = {.gates = 3,
                            .input_rows = 1,
                            .saved = 4,
                            .d_gates = 4,
                            .phases = 1,
                            .phase = {{0, 3, 1, 0}},
                            .forward = gru_reset_after_forward,
                            .backward = gru_reset_after_backward},
};

#endif
