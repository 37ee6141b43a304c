"""Other people's endpoints, to be measured beside ours in the same run."""
