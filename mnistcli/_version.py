"""The version; nothing else, so that everything can import it."""

__version__ = "0.1.0"
