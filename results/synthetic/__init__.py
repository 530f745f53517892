"""The synthetic world on disk: each data set in its official format, of made-up people."""
