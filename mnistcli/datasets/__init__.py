"""Datasets of digits: what exists, how it is had and checked, where it is kept."""
