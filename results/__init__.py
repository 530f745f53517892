"""Run records, tracking, the paper's numbers, and the tables and figures made of them."""
