"""What the builder itself reads and writes in the registry, beside the image that BuildKit pushes."""
