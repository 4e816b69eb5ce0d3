"""What drives reconciles and writes their effects; knows no kind."""
