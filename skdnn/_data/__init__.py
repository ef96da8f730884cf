"""Tables, preprocessing, targets and splits: arrays in, arrays out."""
