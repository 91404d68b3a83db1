"""What several models are made of; nothing here is a model."""
