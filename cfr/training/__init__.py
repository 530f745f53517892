"""What every trainer here shares: a run's course, its checkpoints, batches read ahead."""
