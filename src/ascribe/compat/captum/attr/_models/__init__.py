"""Where Captum has what some programs import from its inside."""
