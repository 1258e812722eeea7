"""The Runtime API (2018-06-01), the Extensions API (2020-01-01) and the Telemetry API of an environment."""
