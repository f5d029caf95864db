"""From a model file to one that puts out a tensor of its inside too, everything else byte for byte as it was."""
