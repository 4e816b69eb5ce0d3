"""How a repository becomes an image: what it holds, and the stages, commands and base images that build it."""
