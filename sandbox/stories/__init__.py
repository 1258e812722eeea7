"""Stories: what a client does to a pattern, and what must come of it, as YAML; run, judged and reported."""
