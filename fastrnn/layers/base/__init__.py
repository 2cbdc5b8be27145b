"""The base of all layers: weights, graph, symbolic tensors, options."""
