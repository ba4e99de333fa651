"""A user's pictures: `read` turns files into grey arrays, `conform` into what a model was trained on.

Nothing is imported here, so that a command which needs neither Pillow nor NumPy does not pay for
them.
"""
