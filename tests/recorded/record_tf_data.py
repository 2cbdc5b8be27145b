"""Writes ``tf_data.json``: what ``tf.data`` gives for the pipelines of ``helpers/pipelines.py``.

Made with TensorFlow 2.16.2 (``pip install tensorflow-cpu==2.16.2``), which the tests do not need:
``python tests/recorded/record_tf_data.py``.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "helpers"))

if __name__ == "__main__":
    import pipelines
    import tensorflow

    lines = pipelines.record(tensorflow.data.Dataset)
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(found)}" for name, found in lines.items())
    (HERE / "tf_data.json").write_text(f"{{\n{text}\n}}\n")
