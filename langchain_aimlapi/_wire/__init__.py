"""What is read the same way everywhere: JSON text, the account's pages, and errors of a server."""
