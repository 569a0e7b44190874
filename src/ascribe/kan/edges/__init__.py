"""Edge functions, one file each."""
