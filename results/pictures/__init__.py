"""The paper's figures, of made-up people or of photos at hand: one file a figure."""
