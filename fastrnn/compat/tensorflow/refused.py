"""What is not there, where something can be said about the way on."""

from __future__ import annotations

_GRAPHS = "Graphs of TensorFlow 1 are not run: write a keras model, or fastrnn.ops on arrays."
_IMAGES = "Images are not what fastrnn is for."
_SAVED = "Save with model.save('name.keras'), load with keras.models.load_model."
_ESTIMATORS = "Use a keras model: compile, fit, evaluate, predict."
_PLAIN = "Use arrays padded to one length (keras.utils.pad_sequences), with a mask."

REFUSED = {
    "contrib": "TensorFlow has it no more since 2.0.",
    "data.TFRecordDataset": "Read the records with another package, and use from_generator.",
    "data.TextLineDataset": "Use tf.data.Dataset.from_tensor_slices on the file's lines.",
    "estimator": _ESTIMATORS,
    "feature_column": "Use keras.layers.Normalization, CategoryEncoding, StringLookup, Hashing.",
    "get_variable": _GRAPHS,
    "gradients": "Train with model.fit, or use layer.vjp for gradients.",
    "image": _IMAGES,
    "layers": "Use tf.keras.layers.",
    "lite": "fastrnn has export to ONNX, and a quantized form: model.quantize.",
    "lookup": "Use keras.layers.StringLookup or IntegerLookup.",
    "Module": "Derive from tf.keras.layers.Layer or tf.keras.Model.",
    "nn.bidirectional_dynamic_rnn": "Use keras.layers.Bidirectional.",
    "nn.ctc_loss": "Use keras.losses.CTC.",
    "nn.dynamic_rnn": "Use keras.layers.RNN, LSTM or GRU.",
    "nn.rnn_cell": "Use the cells of keras.layers.",
    "placeholder": _GRAPHS,
    "ragged": _PLAIN,
    "RaggedTensor": _PLAIN,
    "saved_model": _SAVED,
    "SparseTensor": "Use dense arrays.",
    "summary": "Use keras.callbacks.TensorBoard or CSVLogger.",
    "train.AdamOptimizer": "Use keras.optimizers.Adam.",
    "train.Checkpoint": "Use model.save_weights, or keras.callbacks.ModelCheckpoint.",
    "train.CheckpointManager": "Use keras.callbacks.ModelCheckpoint or BackupAndRestore.",
    "train.GradientDescentOptimizer": "Use keras.optimizers.SGD.",
    "train.latest_checkpoint": "Name the file that ModelCheckpoint wrote.",
    "train.RMSPropOptimizer": "Use keras.optimizers.RMSprop.",
    "train.Saver": _SAVED,
    "variable_scope": _GRAPHS,
}
