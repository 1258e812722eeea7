# mypy: ignore-errors
"""The sandbox inside a Python process: virtual time, and the names of AWS."""
