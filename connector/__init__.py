"""The agent inside a private network: it only dials out, and opens the streams that its own list permits."""
