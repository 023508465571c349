"""The account: what calls cost, what was billed, and the pages that tell it."""
