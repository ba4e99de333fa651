import sys

import joblib
import numpy as np
from PIL import Image

model = joblib.load(sys.argv[1])
pixels = np.asarray(Image.open(sys.argv[2]).convert("L"), dtype=np.float32) / 255
print(model.predict(pixels.reshape(1, -1))[0])
