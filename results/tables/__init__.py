"""The paper's tables: one file each, rows and columns as data, and their layout."""
