"""Face models: one type (``model``), one file a source, and the names that commands know."""
