"""A page to write digits on, and the photograph of a page -> labelled images."""
