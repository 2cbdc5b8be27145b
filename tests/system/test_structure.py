"""Structure of the code beyond its imports: depth of calls, cells asked for, sizes, types."""

import pytest
import structure
from repository import REPOSITORY

DEPTHS = structure.call_depths()
MOST_FRAMES = {"fit": 10, "predict": 6, "layer(x)": 4}
# What is longer by its signature and docstring; nothing may join it.
LONG_BY_DOCSTRING = {
    "gradient_flow",
    "quantize",
    "fit",
    "plot_model",
    "pad_sequences",
    "timeseries_dataset_from_array",
}


@pytest.mark.parametrize("call", DEPTHS)
def test_a_call_is_at_the_engine_in_a_few_frames(call):
    assert DEPTHS[call], "the engine has not been entered"
    assert len(DEPTHS[call]) <= MOST_FRAMES[call.split(",")[0]], DEPTHS[call]


def test_a_model_has_its_parts():
    assert len(structure.classes_between()) <= 4


def test_engines_ask_no_cell_for_its_name():
    assert structure.cells_named(REPOSITORY) == []


def test_cells_are_found_where_they_are_asked_for(tmp_path):
    (tmp_path / "src_c").mkdir()
    lines = [
        "if (r->cell == 2) {",  # found
        "const int after = kind == FR_GRU_RESET_AFTER;",  # found
        "/* FR_LSTM",
        "   in a comment */",
        "    [FR_LSTM] = {.gates = 4},",
        "enum fr_cell { FR_SIMPLE_RNN, FR_LSTM };",
        "switch (r->cell) {",  # found
    ]
    (tmp_path / "src_c" / "a.c").write_text("\n".join(lines))
    (tmp_path / "src_c" / "fr_cells.h").write_text("if (cell == FR_GRU) {")
    assert [line for _, line, _ in structure.cells_named(tmp_path)] == [1, 2, 7]


def test_parameters_have_types():
    typed, parameters = structure.typed_any(REPOSITORY)
    assert typed < 0.1 * parameters
    assert not [place for *place, annotation in structure.parameters(REPOSITORY) if not annotation]


def test_files_and_functions_are_small():
    long = structure.long_files(REPOSITORY) + structure.long_functions(REPOSITORY)
    assert [row for row in long if not LONG_BY_DOCSTRING & set(row)] == []
