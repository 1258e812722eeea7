"""The operating system's side of an environment: process groups, their output, and their certain end."""
