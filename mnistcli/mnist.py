"""The form of MNIST's images, which every digit is brought into."""

IMAGE_SIDE = 28
IMAGE_SHAPE = (IMAGE_SIDE, IMAGE_SIDE)
N_PIXELS = IMAGE_SIDE**2
