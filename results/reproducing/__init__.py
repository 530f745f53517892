"""The paper's experiments from data to tables, as stages that are made once and kept."""
