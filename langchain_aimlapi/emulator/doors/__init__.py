"""How requests come in: over a socket, or through httpx in memory."""
