"""What is read the same way everywhere: JSON text, and what an error body says."""
