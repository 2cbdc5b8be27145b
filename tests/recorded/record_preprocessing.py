"""Writes ``preprocessing.json``: what Keras's layers on TensorFlow give for the cases of
``helpers/preprocessing_cases.py``.

Made with TensorFlow 2.16.2 and Keras 3.15.1, which the tests do not need together:
``KERAS_BACKEND=tensorflow python tests/recorded/record_preprocessing.py``.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "helpers"))

if __name__ == "__main__":
    import keras
    import preprocessing_cases

    lines = []
    for name, make in preprocessing_cases.CASES.items():
        outputs, vocabulary = preprocessing_cases.run(keras, make)
        listed = (
            None
            if vocabulary is None
            else [v if isinstance(v, str) else int(v) for v in vocabulary]
        )
        found = {"outputs": outputs.tolist(), "dtype": outputs.dtype.name, "vocabulary": listed}
        lines.append(f"{json.dumps(name)}: {json.dumps(found)}")
    (HERE / "preprocessing.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
