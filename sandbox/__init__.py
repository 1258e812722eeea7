"""A local AWS in which every way of streaming a generative-AI answer can be tried on virtual time."""
