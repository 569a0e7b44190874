"""What is kept of a network: files, versions, and texts among its tensors."""
