"""Data sets on disk → typed records: one file a data set, and where their files lie."""
