"""From a model file to the draft of its manifest: what the graph says, what may be guessed, what a person decides."""
