"""What AWS services share: errors, identifiers, ARNs, the event-stream encoding."""
