"""Which of Keras's tests count: those that ask something of what fastrnn has."""

from __future__ import annotations

import re

# Files of tests, by folder of keras/src; all of a folder, less those left out below.
FOLDERS = [
    "activations", "callbacks", "constraints", "initializers", "layers", "layers/activations",
    "layers/attention", "layers/convolutional", "layers/core", "layers/merging",
    "layers/normalization", "layers/pooling", "layers/regularization", "layers/reshaping",
    "layers/rnn", "losses", "metrics", "models", "optimizers", "optimizers/schedules",
    "regularizers", "trainers",
]  # fmt: skip
FILES = [
    "layers/preprocessing/normalization_test.py", "layers/preprocessing/rescaling_test.py",
    "saving/object_registration_test.py",
    "saving/serialization_lib_test.py", "trainers/data_adapters/py_dataset_adapter_test.py",
    "utils/numerical_utils_test.py", "utils/sequence_utils_test.py",
    "utils/timeseries_dataset_utils_test.py",
]  # fmt: skip

FILES_LEFT_OUT = {
    "images and volumes": [
        "adaptive_pooling2d_test.py", "adaptive_pooling3d_test.py", "cropping2d_test.py",
        "cropping3d_test.py", "up_sampling2d_test.py", "up_sampling3d_test.py",
        "zero_padding2d_test.py", "zero_padding3d_test.py", "conv_lstm_test.py",
        "conv_lstm1d_test.py", "conv_lstm2d_test.py", "conv_lstm3d_test.py",
    ],
    "services and packages outside": ["orbax_checkpoint_test.py", "remote_monitor_test.py"],
    "sparse gradients, of other backends": ["optimizer_sparse_test.py"],
    "one optimizer for a whole model": ["multi_optimizer_test.py"],
    "parts of transformers": ["grouped_query_attention_test.py", "reversible_embedding_test.py"],
    "insides of Keras's trainer": [
        "epoch_iterator_test.py", "compile_utils_test.py", "trainer_test.py",
    ],
}  # fmt: skip

TESTS_LEFT_OUT = {
    "images and volumes": r"[23]d|2D|3D|image|flash|channels_first",
    "quantization of Keras": r"quantiz|gptq|awq|lora|int4|int8|float8|fp8",
    "distribution over devices": r"distribut|sharding|tpu|gpu|device",
    "weights overwritten by 8-bit training": r"overwrite_with_gradient|overwrite_stateful",
    "half precision and other types": (
        r"float16|mixed_precision|autocast|complex|losses_test.*test_dtype_arg"
    ),
    "sparse and ragged tensors": r"sparse_tensor|sparse_input|ragged|_sparse$|sparse_adapt|bcoo",
    "another backend, its compiler or its data": (
        r"tf_|tensorflow|jax|torch|jit|symbolic_build|stateless|grain|remat|scatter|compute_output_spec"
        r"|tf_data|openvino|saved_model|export|rematerial"
    ),
}  # fmt: skip


# Names that fastrnn does not mean to have, by why; a test that uses one does not count.
NO_AIMS = {
    "images and volumes": r"[23]D|ConvLSTM|\.applications",
    "quantization of Keras": r"quantizers|QuantizedDTypePolicy",
    "distribution over devices": r"distribution|backend\.device",
    "another backend, its compiler or its data": (
        r"remat|export|StatelessScope|backend\.\w+\.trainer"
    ),
    "insides of Keras": (
        r"compute_output_spec|symbolic_scope|AutocastScope|\._\w+$|validate_float_arg|ObjectSharingScope"
        r"|build_pos_neg_masks|SafeModeScope"
        r"|epoch_iterator|data_adapters\..*Adapter"
    ),
}


# An attribute whose name begins with _ is none of what a package promises.
PRIVATE = re.compile(r"has no attribute '_[a-z]\w*'")
REFUSED = "for sequences, not for images"


def no_aim(name: str) -> str | None:
    """Return why fastrnn does not mean to have ``name``; ``None`` where it is just not there."""
    for reason, pattern in NO_AIMS.items():
        if re.search(pattern, name):
            return reason
    return None


def left_out(file: str, test: str) -> str | None:
    """Return why a test does not count; ``None`` where it does."""
    for reason, names in FILES_LEFT_OUT.items():
        if file.rpartition("/")[2] in names:
            return reason
    for reason, pattern in TESTS_LEFT_OUT.items():
        if re.search(pattern, f"{file}::{test}"):
            return reason
    return None
