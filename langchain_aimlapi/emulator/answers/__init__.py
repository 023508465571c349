"""What answers: a request read, a reply made by rules or by a script, its facts decided."""
