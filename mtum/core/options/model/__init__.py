"""A market of options that was never quoted: what is listed, what it costs by the model, and how it ends."""
