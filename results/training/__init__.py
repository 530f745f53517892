"""Training runs: what they read, how they are tracked, what they leave behind."""
