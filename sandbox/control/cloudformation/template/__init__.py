"""A template: its text, its meaning, its values."""
