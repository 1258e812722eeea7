"""The real-time endpoint: connections, subscriptions, and what mutations send them."""
