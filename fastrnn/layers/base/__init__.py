"""What every layer is: weights, graph, symbolic tensors, names."""
