"""Stacks and what is done to them."""
