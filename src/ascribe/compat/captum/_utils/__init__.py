"""Where Captum has the models that Lime fits."""
