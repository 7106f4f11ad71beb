"""A trained network becomes a bundle: files chosen and measured, manifest, model card."""
