"""From one record to its features: which tensors matter, what they must look like, and the numbers they give."""

from jidoka.monitor.features.extractor import Extract, Extractor
from jidoka.monitor.features.table import FeatureSet, feature_set

__all__ = ["Extract", "Extractor", "FeatureSet", "feature_set"]
