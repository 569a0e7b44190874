"""From a network to one of another shape."""
