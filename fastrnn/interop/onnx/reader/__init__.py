"""Reading: ONNX graphs as layers."""
