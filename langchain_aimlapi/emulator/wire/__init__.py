"""The forms on the wire: requests checked, answers spelled on either API."""
