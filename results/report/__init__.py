"""One self-contained page of everything that was measured, beside the paper's numbers."""
