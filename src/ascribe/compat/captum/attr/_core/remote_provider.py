"""Services, where Captum has them."""

from ascribe.compat.captum.attr.llm import RemoteLLMProvider as RemoteLLMProvider
from ascribe.compat.captum.attr.llm import VLLMProvider as VLLMProvider
