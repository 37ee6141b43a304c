"""What is measured, against a physical limit, in one run. `make bench`; results in bench/results."""
