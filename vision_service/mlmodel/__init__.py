"""ML runtimes behind one small interface, and what turns their tensors into results."""
