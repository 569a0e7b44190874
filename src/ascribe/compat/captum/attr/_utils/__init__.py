"""Where Captum has its bases, its LRP rules and its statistics."""
