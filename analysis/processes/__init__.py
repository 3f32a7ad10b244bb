"""Other programs that are started here: asked with a bound, and watched."""
