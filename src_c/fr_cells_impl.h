/* The table of cells. */

#include "cells/simple_rnn.h"

#include "cells/lstm.h"

#include "cells/gru.h"

static const FN(fr_cell_spec) FN(cell_specs)[FR_CELL_COUNT] = {
    [FR_SIMPLE_RNN] = {.gates = 1, .sub_rows = 1, .saved = 0, .d_gates = 1,
                       .phases = 1, .phase = {{0, 1, FR_MAX_COLUMNS, 0}},
                       .forward = FN(simple_rnn_forward), .backward = FN(simple_rnn_backward)},
    [FR_LSTM] = {.gates = 4, .has_c = 1, .sub_rows = 1, .saved = 4, .d_gates = 4,
                 .phases = 1, .phase = {{0, 4, 1, 0}},
                 .forward = FN(lstm_forward), .backward = FN(lstm_backward)},
    [FR_GRU] = {.gates = 3, .sub_rows = 2, .saved = 3, .d_gates = 3,
                .phases = 2, .phase = {{0, 2, 1, 0}, {2, 1, FR_MAX_COLUMNS, 1}},
                .forward = FN(gru_forward), .backward = FN(gru_backward)},
    [FR_GRU_RESET_AFTER] = {.gates = 3, .sub_rows = 1, .saved = 4, .d_gates = 4,
                            .phases = 1, .phase = {{0, 3, 1, 0}},
                            .forward = FN(gru_reset_after_forward),
                            .backward = FN(gru_reset_after_backward)},
};
