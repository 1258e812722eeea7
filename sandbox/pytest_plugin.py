"""pytest plugin of the sandbox."""
