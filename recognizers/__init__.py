"""Face recognizers and expression classifiers, and their trainers."""
