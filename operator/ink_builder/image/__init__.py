"""The image: built and pushed by BuildKit, its packages inspected before it goes live where that is wanted."""
