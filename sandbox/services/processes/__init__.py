"""Programs that a sandbox runs: process groups, their output, their environment, and their certain end."""
