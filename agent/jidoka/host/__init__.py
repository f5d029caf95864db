"""The model host: sources of images, a bundle, and the tap."""
