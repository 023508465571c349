"""What a `ChatAIMLAPI` is made of: its fields and parameters, how it is copied and connected."""
