"""One foreign API a module, its errors mapped to ours."""
