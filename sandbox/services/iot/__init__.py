"""IoT Core's message broker. See README.md in this folder."""
