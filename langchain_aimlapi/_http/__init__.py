"""What moves bytes: requests out, answers and streams in. Knows no LangChain message."""
