/* The table of cells. */
#ifndef FR_RNN_CELLS_TABLE_H
#define FR_RNN_CELLS_TABLE_H

#include "rnn/cells/gru.h"
#include "rnn/cells/layer_norm_gru.h"
#include "rnn/cells/layer_norm_lstm.h"
#include "rnn/cells/lstm.h"
#include "rnn/cells/peephole_lstm.h"
#include "rnn/cells/projected_lstm.h"
#include "rnn/cells/simple_rnn.h"

static const fr_cell_spec cell_specs[FR_CELL_COUNT] = {
    [FR_SIMPLE_RNN] =
        {
            .gates = 1,
            .states = 1,
            .biases = 1,
            .input_rows = 1,
            .saved_with_zoneout = 1,
            .phases = 1,
            .phase = {{GATES_PHASE, .gates = 1, .vectors = FR_MAX_COLUMNS,
                       .units = simple_rnn_forward}},
            .blocks = 1,
            .gate_of = {0},
            .back_phases = 2,
            .back = {{UNITS_BACK, .units = simple_rnn_backward}, {PRODUCT_BACK, .blocks = 1}},
        },
    [FR_LSTM] =
        {
            .gates = 4,
            .states = 2,
            .biases = 1,
            .input_rows = 1,
            .saved = 4,
            .phases = 1,
            .phase = {{GATES_PHASE, .gates = 4, .vectors = 1, .units = lstm_forward}},
            .blocks = 4,
            .gate_of = {0, 1, 2, 3},
            .back_phases = 2,
            .back = {{UNITS_BACK, .units = lstm_backward}, {PRODUCT_BACK, .blocks = 4}},
        },
    [FR_GRU] =
        {
            .gates = 3,
            .states = 1,
            .biases = 1,
            .input_rows = 2,
            .saved = 3,
            .phases = 2,
            .phase = {{GATES_PHASE, .gates = 2, .vectors = 1, .units = gru_gates},
                      {GATES_PHASE, .first_gate = 2, .gates = 1, .vectors = FR_MAX_COLUMNS,
                       .input_row = 1, .units = gru_candidate}},
            .blocks = 3,
            .gate_of = {0, 1, 2},
            .back_phases = 4,
            .back = {{UNITS_BACK, .units = gru_backward},
                     {PRODUCT_BACK, .block = 2, .blocks = 1, .inner = 1},
                     {UNITS_BACK, .units = gru_reset_backward},
                     {PRODUCT_BACK, .blocks = 2}},
        },
    [FR_GRU_RESET_AFTER] =
        {
            .gates = 3,
            .states = 1,
            .biases = 2,
            .apart = 1u << 2,
            .input_rows = 1,
            .saved = 4,
            .phases = 1,
            .phase = {{GATES_PHASE, .gates = 3, .vectors = 1, .units = gru_reset_after_forward}},
            .blocks = 4,
            .input_block = 1,
            .gate_of = {2, 0, 1, 2},
            .back_phases = 2,
            .back = {{UNITS_BACK, .units = gru_reset_after_backward}, {PRODUCT_BACK, .blocks = 3}},
        },
    [FR_PEEPHOLE_LSTM] =
        {
            .gates = 4,
            .states = 2,
            .biases = 1,
            .input_rows = 1,
            .saved = 4,
            .phases = 1,
            .phase = {{GATES_PHASE, .gates = 4, .vectors = 1, .units = peephole_lstm_forward}},
            .blocks = 4,
            .gate_of = {0, 1, 2, 3},
            .back_phases = 2,
            .back = {{UNITS_BACK, .units = peephole_lstm_backward}, {PRODUCT_BACK, .blocks = 4}},
            .first_own = FR_OWN_WEIGHTS,
            .own_weights = 1,
            .own_rows = {PEEPHOLES},
            .own_gradients = peephole_gradients,
        },
    [FR_PROJECTED_LSTM] =
        {
            .gates = 4,
            .states = 2,
            .biases = 1,
            .input_rows = 1,
            .saved = 5,
            .phases = 2,
            .phase = {{GATES_PHASE, .gates = 4, .vectors = 1, .units = projected_lstm_forward},
                      {PROJECTION_PHASE, .vectors = FR_MAX_COLUMNS, .value = PROJECTED_Q,
                       .units = projected_lstm_output}},
            .blocks = 4,
            .gate_of = {0, 1, 2, 3},
            .back_phases = 3,
            .back = {{PROJECTION_BACK},
                     {UNITS_BACK, .units = projected_lstm_backward},
                     {PRODUCT_BACK, .blocks = 4}},
            .projection = 1,
        },
    [FR_LAYER_NORM_LSTM] =
        {
            .gates = 4,
            .states = 2,
            .apart = 0xf,
            .input_rows = 1,
            .saved = LNL_SAVED,
            .saved_with_zoneout = 1,
            .numbers = 2 * LNL_STATISTICS,
            .phases = 2,
            .phase = {{GATES_PHASE, .gates = 4, .vectors = 1, .units = layer_norm_sums},
                      {ROW_PHASE, .row = layer_norm_lstm_row}},
            .blocks = LNL_BLOCKS,
            .input_block = LNL_D_INPUTS,
            .gate_of = {0, 1, 2, 3, 0, 1, 2, 3},
            .back_phases = 2,
            .back = {{ROW_BACK, .row = layer_norm_lstm_row_back}, {PRODUCT_BACK, .blocks = 4}},
            .first_own = LNL_BIAS,
            .own_weights = 5,
            .own_rows = {4, 4, 4, 1, 1},
            .own_gradients = layer_norm_lstm_gradients,
        },
    [FR_LAYER_NORM_GRU] =
        {
            .gates = 3,
            .states = 1,
            .apart = 0x7,
            .input_rows = 1,
            .saved = LNG_SAVED,
            .numbers = 2 * LNG_STATISTICS,
            .phases = 2,
            .phase = {{GATES_PHASE, .gates = 3, .vectors = 1, .units = layer_norm_sums},
                      {ROW_PHASE, .row = layer_norm_gru_row}},
            .blocks = LNG_BLOCKS,
            .input_block = LNG_D_INPUTS,
            .gate_of = {0, 1, 2, 0, 1, 2},
            .back_phases = 2,
            .back = {{ROW_BACK, .row = layer_norm_gru_row_back}, {PRODUCT_BACK, .blocks = 3}},
            .first_own = LNG_BIAS,
            .own_weights = 3,
            .own_rows = {6, 3, 3},
            .own_gradients = layer_norm_gru_gradients,
        },
};

#endif
