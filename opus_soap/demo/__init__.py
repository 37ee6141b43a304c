"""The whole loop on one machine: a synthetic municipality, a simulated case system, real processes."""
