"""OpenAI's API, as far as Cohere's compatibility API has it."""
