"""Wing 2: what one trial does, and the ensemble. Knows no search."""
