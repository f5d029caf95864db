"""The monitor: records to features, features to detector states, those to verdicts and conditions."""
