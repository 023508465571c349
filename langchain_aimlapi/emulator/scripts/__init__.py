"""What a test asks for: faults, and the script that says what comes when."""
