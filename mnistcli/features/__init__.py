"""Fixed features: what a model looks at instead of pixels, learned without labels if at all.

A kind of features is a class: it learns from training images, turns images into bytes, and says
what has to be kept to do so again; a further stage does so with what another kind yields. A linear
model on features is still a linear model, and everything around it stays. A new kind or stage is a
file here and an entry below.
"""

from mnistcli.features.expansion import Expansion
from mnistcli.features.kinds import FEATURE_KINDS, FURTHER_STAGES, Features, FeatureSpec, Stage
from mnistcli.features.measured import Arrangements, Patches, Scattering

__all__ = ["FEATURE_KINDS", "FURTHER_STAGES", "FeatureSpec", "Features", "Stage"]

FEATURE_KINDS.update(patches=Patches, scattering=Scattering, arrangements=Arrangements)
FURTHER_STAGES["expansion"] = Expansion
