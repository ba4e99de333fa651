"""From results to what is seen: tables, documents, pictures."""
