"""The page about a finished training, and the card of its model: what people read, from what stages wrote."""
