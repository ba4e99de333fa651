"""The version; nothing else, so that everything can import it."""

__version__ = "0.2.0"
