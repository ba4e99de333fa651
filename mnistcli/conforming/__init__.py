"""Grey levels -> the 28x28 of MNIST: background, segmentation, strokes, placing."""
