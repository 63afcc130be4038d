"""Bills of materials of an image, from what its root file system says of itself."""
