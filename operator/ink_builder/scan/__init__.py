"""What is judged of the source before it is built: committed secrets, dependencies with known weaknesses."""
