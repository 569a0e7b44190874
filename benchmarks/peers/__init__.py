"""Networks to be measured against; two of them written after a published idea, as their packages are on no registry."""
