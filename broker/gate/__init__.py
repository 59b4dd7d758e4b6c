"""The instance gate: what instances say of themselves, what they are told, and what is known of them."""
