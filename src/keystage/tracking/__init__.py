"""The mirror: what a training run looks like in the tracking store. Files are the truth."""
