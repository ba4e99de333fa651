"""Which images train and which judge."""
