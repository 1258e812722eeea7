"""Measurements. Each module has ``main()``, prints a table and says what it compares with; see ``__main__``."""
