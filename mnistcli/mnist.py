"""The form of MNIST's images, which every digit is brought into."""

from __future__ import annotations

IMAGE_SIDE = 28
IMAGE_SHAPE = (IMAGE_SIDE, IMAGE_SIDE)
N_PIXELS = IMAGE_SIDE**2
