"""Made-up people: photos whose every number is known."""
