"""The engine and the frame: the vocabulary of registers, the guard, the factory. Names no register."""
