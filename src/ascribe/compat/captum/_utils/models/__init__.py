"""What Captum's `Lime` fits to its samples."""

from ascribe.compat.captum._utils.models.model import Model as Model
