"""A user's pictures: `read` makes grey arrays of them, `conform` what a model was trained on.

Nothing is imported here, so that a command which needs neither Pillow nor NumPy does not pay for
them.
"""
