"""Writing: layers as ONNX graphs."""
