"""LangChain's words and the API's: what a message, a tool or a count means on either side."""
