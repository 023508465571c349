"""The API's two endpoints as two dialects of one language, and the route of a call.

- `base`: what a dialect is.
- `assembler`: puts a reply together; one message shape for all.
- `chat_completions`, `responses`: the dialects; neither knows of the other.
- `routing`: which one a call speaks. The only place that chooses.
"""
