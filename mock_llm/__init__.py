"""A deterministic, slow mock large language model that speaks the real providers' protocols."""
