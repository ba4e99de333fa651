"""Trained models on disk: the file, the card, the versions and their tags."""
