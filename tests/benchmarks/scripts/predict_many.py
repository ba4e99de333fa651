import sys

import joblib
import numpy as np

model = joblib.load(sys.argv[1])
images = np.load(sys.argv[2]).reshape(-1, 784).astype(np.float32) / 255
print(*model.predict(images), sep="\n")
