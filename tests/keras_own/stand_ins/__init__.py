"""What the tests of Keras ask of its insides, said with NumPy and fastrnn."""
