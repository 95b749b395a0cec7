"""Pure trading logic: same input, same output; touches nothing outside its arguments."""
