"""A network as plain data, with its NumPy and Keras forms."""
