"""Which parts of a prompt is a language model's continuation due to?"""

from ascribe.prompts.attribution import PromptAttribution as PromptAttribution
from ascribe.prompts.embedding import vectors_instead as vectors_instead
from ascribe.prompts.explain_prompt import explain_prompt as explain_prompt
from ascribe.prompts.explain_text import explain_text as explain_text
from ascribe.prompts.image import MaskedImage as MaskedImage
from ascribe.prompts.prompt import Prompt as Prompt
from ascribe.prompts.prompt_score import prompt_score as prompt_score
from ascribe.prompts.remote import VLLM as VLLM
from ascribe.prompts.remote import Provider as Provider
from ascribe.prompts.template import Template as Template
from ascribe.prompts.tokens import Tokens as Tokens
from ascribe.prompts.words import Words as Words
