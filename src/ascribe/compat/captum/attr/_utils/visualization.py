"""Where Captum itself keeps `attr.visualization`, and some programs look for it."""

from ascribe.compat.captum.attr.visualization import ImageVisualizationMethod as ImageVisualizationMethod
from ascribe.compat.captum.attr.visualization import TimeseriesVisualizationMethod as TimeseriesVisualizationMethod
from ascribe.compat.captum.attr.visualization import VisualizationDataRecord as VisualizationDataRecord
from ascribe.compat.captum.attr.visualization import VisualizeSign as VisualizeSign
from ascribe.compat.captum.attr.visualization import draw_mask_border as draw_mask_border
from ascribe.compat.captum.attr.visualization import draw_mask_legend as draw_mask_legend
from ascribe.compat.captum.attr.visualization import format_classname as format_classname
from ascribe.compat.captum.attr.visualization import format_special_tokens as format_special_tokens
from ascribe.compat.captum.attr.visualization import format_tooltip as format_tooltip
from ascribe.compat.captum.attr.visualization import format_word_importances as format_word_importances
from ascribe.compat.captum.attr.visualization import visualize_image_attr as visualize_image_attr
from ascribe.compat.captum.attr.visualization import visualize_image_attr_multiple as visualize_image_attr_multiple
from ascribe.compat.captum.attr.visualization import visualize_text as visualize_text
from ascribe.compat.captum.attr.visualization import visualize_timeseries_attr as visualize_timeseries_attr
